/* load: puts a WebSocket server under load and tells what that cost the server.
 *
 * One thread, epoll, nothing but a C library:   cc -O2 -o load load.c -lm
 *
 * N connections are opened and each follows a script (send a text, wait for a text). Then some of them
 * publish, and every copy of a message that reaches any connection is one delivery. A message carries a
 * mark, "@@" with the sender's number and the time; the age of the mark at its arrival is the latency.
 * The server's CPU time and memory are read from /proc. One line of JSON is printed at the end, with the
 * generator's own use of CPU: as long as `own_cores` is below 1, it was the server that was measured.
 *
 * It speaks to 127.0.0.1 only.
 *
 *   --port N           where the server listens
 *   --path TEXT        path of the upgrade request
 *   --connections N    how many (100)
 *   --group N          members of a group; connection d is in group d / N (default: all in one)
 *   --opening N        connections being opened at once (64)
 *   --script FILE      what each connection does first; a line is "> TEXT" to send or "< TEXT" to wait for
 *                      a frame that contains TEXT. Lines that begin with # are skipped
 *   --tokens FILE      line d is sent by connection d as `Authorization: Bearer ...`      (also -t)
 *   --ids FILE         line g is what %c stands for in group g
 *   --subprotocol P    Sec-WebSocket-Protocol
 *   --answer A=B       a frame that is A is answered with B (application's own pings)
 *   --binary           send binary frames
 *
 *   --message TEXT     what publishers send
 *   --pad N            length of %P
 *   --publishers N     how many publish: the first of each group, then the second of each ... (1)
 *   --window N         closed loop: so many of a publisher's own messages on their way at once (1)
 *   --delivery TEXT    what every frame that delivers a message contains (default: any frame may)
 *   --rate R           open loop instead: R messages a second, all publishers in turn. Such a message is
 *                      stamped with the time at which it was due, so a stall counts as the latency it is
 *   --random           with --rate: at moments that are drawn, as of people who do not know of one another
 *                      (exponential gaps, the same ones in every run), and not one after the other in step
 *   --seconds S        measured time (5)
 *   --warm-up S        before that (1)
 *   --pid N            the server's process; it and all below it are measured
 *
 *   --idle             publish nothing: hold the connections and see what the server does meanwhile
 *   --frozen N         the last N connections stop reading after the script. The others are measured
 *
 *   --return FILE      a reconnect storm: everybody but the first --steady of each group drops the
 *                      connection, the publishers send --missed messages each, then all come back at
 *                      once, with this script. %q is the last number that a connection saw after
 *                      --position TEXT. With --rate, messages are published all the while
 *
 * With --position every message's number is checked, too: `holes` and `repeats` should be 0.
 *
 * In texts: %d the connection's number, %g its group, %c the group's id, %q its position, %i a running
 * number, %T the mark, %P padding, \r and \n.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

/* ---- 1. Settings ------------------------------------------------------------------------------------ */

static struct {
  int port, connections, group, opening, publishers, window, pid, pad, frozen, steady, missed;
  double rate, seconds, warm_up;
  int is_idle, is_binary, is_random, has_return;
  const char *path, *message, *subprotocol, *position, *delivery, *answer_to, *answer;
} set = {.connections = 100, .opening = 64, .publishers = 1, .window = 1, .seconds = 5, .warm_up = 1, .path = "/"};

typedef struct { char **line; int count; } lines;

static lines script, return_script, tokens, ids;

static const double STUCK_S = 15;   /* without any progress in opening: give up */
static const double DRAIN_S = 20;   /* at most, for what is still on its way at the end */
static const double STALLED_S = 5;  /* a publisher whose message never came back may go on */
static const double STORM_S = 60;   /* at most, for everybody to catch up */

static void die(const char *format, ...) {
  va_list args;
  va_start(args, format);
  fprintf(stderr, "load: ");
  vfprintf(stderr, format, args);
  fprintf(stderr, errno ? ": %s\n" : "\n", strerror(errno));
  exit(2);
}

static void *reserve(void *old, size_t size) {
  void *memory = realloc(old, size);
  if (!memory) die("no memory");
  return memory;
}

static lines read_lines(const char *file) {
  lines all = {0};
  FILE *stream = fopen(file, "r");
  if (!stream) die("%s", file);
  char *line = NULL;
  size_t room = 0;
  ssize_t length;
  while ((length = getline(&line, &room, stream)) >= 0) {
    if (length && line[length - 1] == '\n') line[--length] = 0;
    if (!length || *line == '#') continue;
    if (all.count % 1024 == 0) all.line = reserve(all.line, (all.count + 1024) * sizeof *all.line);
    all.line[all.count++] = strdup(line);
  }
  free(line);
  fclose(stream);
  return all;
}

static void read_options(int count, char **argument) {
  enum { PORT = 1, PATH, CONNECTIONS, GROUP, OPENING, SCRIPT, TOKENS, IDS, SUBPROTOCOL, ANSWER, BINARY, MESSAGE,
         PAD, PUBLISHERS, WINDOW, RATE, SECONDS, WARM_UP, PID, IDLE, FROZEN, RETURN, STEADY, MISSED, POSITION,
         DELIVERY, RANDOM };
  static const struct option known[] = {
    {"port", 1, 0, PORT}, {"path", 1, 0, PATH}, {"connections", 1, 0, CONNECTIONS}, {"group", 1, 0, GROUP},
    {"opening", 1, 0, OPENING}, {"script", 1, 0, SCRIPT}, {"tokens", 1, 0, TOKENS}, {"ids", 1, 0, IDS},
    {"subprotocol", 1, 0, SUBPROTOCOL}, {"answer", 1, 0, ANSWER}, {"binary", 0, 0, BINARY},
    {"message", 1, 0, MESSAGE}, {"pad", 1, 0, PAD}, {"publishers", 1, 0, PUBLISHERS}, {"window", 1, 0, WINDOW},
    {"rate", 1, 0, RATE}, {"random", 0, 0, RANDOM}, {"seconds", 1, 0, SECONDS},
    {"warm-up", 1, 0, WARM_UP}, {"pid", 1, 0, PID},
    {"idle", 0, 0, IDLE}, {"frozen", 1, 0, FROZEN}, {"return", 1, 0, RETURN}, {"steady", 1, 0, STEADY},
    {"missed", 1, 0, MISSED}, {"position", 1, 0, POSITION},
    {"delivery", 1, 0, DELIVERY}, {0}};
  int option;
  while ((option = getopt_long(count, argument, "t:", known, NULL)) != -1) switch (option) {
    case PORT: set.port = atoi(optarg); break;
    case PATH: set.path = optarg; break;
    case CONNECTIONS: set.connections = atoi(optarg); break;
    case GROUP: set.group = atoi(optarg); break;
    case OPENING: set.opening = atoi(optarg); break;
    case SCRIPT: script = read_lines(optarg); break;
    case TOKENS: case 't': tokens = read_lines(optarg); break;
    case IDS: ids = read_lines(optarg); break;
    case SUBPROTOCOL: set.subprotocol = optarg; break;
    case ANSWER: {
      char *equals = strchr(optarg, '=');
      if (!equals) die("--answer wants A=B");
      *equals = 0;
      set.answer_to = optarg;
      set.answer = equals + 1;
      break;
    }
    case BINARY: set.is_binary = 1; break;
    case MESSAGE: set.message = optarg; break;
    case PAD: set.pad = atoi(optarg); break;
    case PUBLISHERS: set.publishers = atoi(optarg); break;
    case WINDOW: set.window = atoi(optarg); break;
    case RATE: set.rate = atof(optarg); break;
    case RANDOM: set.is_random = 1; break;
    case SECONDS: set.seconds = atof(optarg); break;
    case WARM_UP: set.warm_up = atof(optarg); break;
    case PID: set.pid = atoi(optarg); break;
    case IDLE: set.is_idle = 1; break;
    case FROZEN: set.frozen = atoi(optarg); break;
    case RETURN: return_script = read_lines(optarg); set.has_return = 1; break;
    case STEADY: set.steady = atoi(optarg); break;
    case MISSED: set.missed = atoi(optarg); break;
    case POSITION: set.position = optarg; break;
    case DELIVERY: set.delivery = optarg; break;
    default: exit(2);
  }
  if (set.group <= 0) set.group = set.connections;
  if (set.port <= 0 || set.connections <= 0) die("--port and --connections have to be given");
  if (!set.message && !set.is_idle) die("--message or --idle has to be given");
  if (tokens.line && tokens.count < set.connections) die("there are fewer tokens than connections");
  int groups = (set.connections + set.group - 1) / set.group;
  if (ids.line && ids.count < groups) die("there are fewer ids than groups");
}

/* ---- 2. Time and distributions ---------------------------------------------------------------------- */

static uint64_t now_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1000000000ull + now.tv_nsec;
}

static uint64_t in_s(double seconds) { return now_ns() + (uint64_t)(seconds * 1e9); }

/* Steps of 1 us up to 100 ms, then of 1 ms up to 100 s. */
enum { FINE = 100000, COARSE = 100000 };
typedef struct { uint64_t fine[FINE], coarse[COARSE + 1], count; double max_us; } histogram;

static void note(histogram *h, double us) {
  if (us > h->max_us) h->max_us = us;
  h->count++;
  if (us < FINE) h->fine[(int)us]++;
  else h->coarse[us / 1000 < COARSE ? (int)(us / 1000) : COARSE]++;
}

static double quantile_ms(const histogram *h, double q) {
  uint64_t wanted = h->count * q, seen = 0;
  for (int i = 0; i < FINE; i++) if ((seen += h->fine[i]) > wanted) return i / 1000.0;
  for (int i = 0; i <= COARSE; i++) if ((seen += h->coarse[i]) > wanted) return i;
  return h->max_us / 1000;
}

static histogram latency, first_frame, ready_after, caught_up_after, steady_latency;

/* ---- 3. What a server uses -------------------------------------------------------------------------- */

typedef struct { double cpu_s; long pss_kib; } usage;

/* Adds a process and all below it. The process clock is exact to the nanosecond, /proc/PID/stat to 10 ms. */
static void add_usage(int pid, usage *sum, int with_memory) {
  char name[300], line[256];
  clockid_t clock;
  struct timespec cpu;
  if (clock_getcpuclockid(pid, &clock) == 0 && clock_gettime(clock, &cpu) == 0)
    sum->cpu_s += cpu.tv_sec + cpu.tv_nsec / 1e9;
  FILE *stream;
  snprintf(name, sizeof name, "/proc/%d/smaps_rollup", pid);
  if (with_memory && (stream = fopen(name, "r"))) {
    long kib = 0;
    while (fgets(line, sizeof line, stream) && sscanf(line, "Pss: %ld", &kib) != 1) {}
    sum->pss_kib += kib;
    fclose(stream);
  }
  snprintf(name, sizeof name, "/proc/%d/task", pid);
  DIR *tasks = opendir(name);
  if (!tasks) return;
  for (struct dirent *task; (task = readdir(tasks));) {
    if (*task->d_name == '.') continue;
    snprintf(name, sizeof name, "/proc/%d/task/%s/children", pid, task->d_name);
    if (!(stream = fopen(name, "r"))) continue;
    for (int child; fscanf(stream, "%d", &child) == 1;) add_usage(child, sum, with_memory);
    fclose(stream);
  }
  closedir(tasks);
}

static usage server_usage(int with_memory) {
  usage sum = {0};
  if (set.pid) add_usage(set.pid, &sum, with_memory);
  return sum;
}

static double own_cpu_s(void) {
  struct timespec cpu;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &cpu);
  return cpu.tv_sec + cpu.tv_nsec / 1e9;
}

/* ---- 4. Connections --------------------------------------------------------------------------------- */

enum { CLOSED, CONNECTING, UPGRADING, SCRIPTED, READY, GONE };

typedef struct { uint8_t *data; uint32_t length, room; } buffer;

typedef struct {
  int fd, state, step, number, group, on_the_way;
  uint8_t is_publisher, is_frozen, is_steady, is_back, is_caught_up, is_due, heard;
  buffer in, out;
  uint64_t opened_at, published_at, position;
  uint32_t sent, got;  /* got: deliveries in this life of the connection */
} connection;

static connection *all;
static uint64_t *group_published;
static int poller, timer;
static int ready, gone, refused;                /* connections, by what became of them */
static int is_opening, is_measuring, is_storm;
static uint64_t holes, repeats;                 /* by the numbers that messages carry, see --position */
static uint64_t delivered, published, bytes_in, stalled, skipped, running_number, caught_up, returned, replayed;
static connection **due;                        /* publishers that may send again */
static int due_count;

static void watch(connection *c) {
  struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
  if (c->out.length || c->state == CONNECTING) event.events |= EPOLLOUT;
  epoll_ctl(poller, EPOLL_CTL_MOD, c->fd, &event);
}

static void let_go(connection *c, int state) {
  if (c->state == CLOSED || c->state == GONE) return;
  if (c->state == READY) ready--;
  else if (state == GONE) refused++;
  if (state == GONE) gone++;
  c->state = state;
  c->in.length = c->out.length = 0;
  close(c->fd);
}

static void keep(buffer *b, const uint8_t *data, uint32_t length) {
  if (b->length + length > b->room) b->data = reserve(b->data, b->room = (b->length + length) * 2);
  memcpy(b->data + b->length, data, length);
  b->length += length;
}

static void send_bytes(connection *c, const uint8_t *data, uint32_t length) {
  if (c->out.length) { keep(&c->out, data, length); return; }
  ssize_t sent = send(c->fd, data, length, MSG_NOSIGNAL);
  if (sent == (ssize_t)length) return;
  if (sent < 0 && errno != EAGAIN) { let_go(c, GONE); return; }
  if (sent < 0) sent = 0;
  keep(&c->out, data + sent, length - sent);
  watch(c);
}

/* RFC 6455 §5.2; clients mask (§5.3). A fixed key will do for a measurement on one machine. */
enum { TEXT = 1, BINARY_FRAME = 2, CLOSE = 8, PING = 9, PONG = 10, LONGEST = 1 << 17 };

static void send_frame(connection *c, int opcode, const uint8_t *payload, uint32_t length) {
  static uint8_t frame[LONGEST + 14];
  static const uint8_t key[4] = {0x12, 0x34, 0x56, 0x78};
  uint32_t at = 0;
  frame[at++] = 0x80 | opcode;
  if (length < 126) frame[at++] = 0x80 | length;
  else if (length < 65536) { frame[at++] = 0x80 | 126; frame[at++] = length >> 8; frame[at++] = length; }
  else { frame[at++] = 0x80 | 127; for (int i = 7; i >= 0; i--) frame[at++] = (uint64_t)length >> (8 * i); }
  memcpy(frame + at, key, 4);
  at += 4;
  for (uint32_t i = 0; i < length; i++) frame[at + i] = payload[i] ^ key[i & 3];
  send_bytes(c, frame, at + length);
}

/* ---- 5. Texts with something in them ---------------------------------------------------------------- */

/* Writes a template out; `time_ns` goes into the mark. The result is good until the next call. */
static const uint8_t *fill_in(const char *template, const connection *c, uint64_t time_ns, uint32_t *length) {
  static char text[LONGEST];
  char *at = text, *end = text + sizeof text - 64;
#define WRITE(...) at += snprintf(at, text + sizeof text - at, __VA_ARGS__)
  for (const char *p = template; *p && at < end; p++) {
    if (*p == '\\' && (p[1] == 'r' || p[1] == 'n')) { *at++ = *++p == 'r' ? '\r' : '\n'; continue; }
    if (*p != '%' || !p[1]) { *at++ = *p; continue; }
    switch (*++p) {
      case 'd': WRITE("%d", c->number); break;
      case 'g': WRITE("%d", c->group); break;
      case 'c': WRITE("%s", ids.line ? ids.line[c->group] : ""); break;
      case 'q': WRITE("%llu", (unsigned long long)c->position); break;
      case 'i': WRITE("%llu", (unsigned long long)running_number); break;
      case 'T': WRITE("@@%06x%016llx", c->number, (unsigned long long)time_ns); break;
      case 'P':
        if (at + set.pad >= end) die("the message is too long");
        memset(at, 'x', set.pad);
        at += set.pad;
        break;
      default: *at++ = '%'; *at++ = *p;
    }
  }
#undef WRITE
  *at = 0;
  *length = at - text;
  return (uint8_t *)text;
}

static void send_text(connection *c, const char *template, uint64_t time_ns) {
  uint32_t length;
  const uint8_t *text = fill_in(template, c, time_ns, &length);
  send_frame(c, set.is_binary ? BINARY_FRAME : TEXT, text, length);
}

/* ---- 6. Opening: connect, upgrade, script ----------------------------------------------------------- */

static void open_connection(connection *c) {
  c->state = CONNECTING;
  c->step = c->heard = c->is_caught_up = 0;
  c->got = c->on_the_way = 0;
  c->opened_at = now_ns();
  if ((c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0)) < 0) die("socket");
  int one = 1;
  setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  if (c->is_frozen) {
    /* As small as over a real network. Between two sockets of one machine, whose segments are 64 KiB,
     * the kernel would keep megabytes for a reader that is gone, and the server would not notice. */
    int small = 8192, segment = 1448;
    setsockopt(c->fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
    setsockopt(c->fd, IPPROTO_TCP, TCP_MAXSEG, &segment, sizeof segment);
  }
  /* An address has about 28,000 ports: another address for each 20,000, and for who comes back. */
  struct sockaddr_in from = {.sin_family = AF_INET};
  from.sin_addr.s_addr = htonl(INADDR_LOOPBACK + c->number / 20000 + 8 * c->is_back);
  setsockopt(c->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof one);
  if (bind(c->fd, (struct sockaddr *)&from, sizeof from)) die("bind");
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(set.port)};
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (connect(c->fd, (struct sockaddr *)&to, sizeof to) && errno != EINPROGRESS) die("connect");
  struct epoll_event event = {.events = EPOLLIN | EPOLLOUT, .data.ptr = c};
  epoll_ctl(poller, EPOLL_CTL_ADD, c->fd, &event);
}

static void on_connected(connection *c) {
  int error = 0;
  socklen_t size = sizeof error;
  getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &size);
  if (error) { let_go(c, GONE); return; }
  c->state = UPGRADING;
  char request[32768];
  uint32_t length;
  int at = snprintf(request, sizeof request,
    "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n",
    (const char *)fill_in(set.path, c, 0, &length), set.port);
  if (set.subprotocol)
    at += snprintf(request + at, sizeof request - at, "Sec-WebSocket-Protocol: %s\r\n", set.subprotocol);
  if (tokens.line)
    at += snprintf(request + at, sizeof request - at, "Authorization: Bearer %s\r\n", tokens.line[c->number]);
  at += snprintf(request + at, sizeof request - at, "\r\n");
  send_bytes(c, (uint8_t *)request, at);
  watch(c);
}

static void check_caught_up(connection *c) {
  if (c->is_caught_up || c->state != READY || c->got < (uint32_t)set.missed) return;
  c->is_caught_up = 1;
  caught_up++;
  note(&caught_up_after, (now_ns() - c->opened_at) / 1e3);
}

static void become_ready(connection *c) {
  c->state = READY;
  ready++;
  note(&ready_after, (now_ns() - c->opened_at) / 1e3);
  if (c->is_back) check_caught_up(c);
  if (c->is_frozen) epoll_ctl(poller, EPOLL_CTL_DEL, c->fd, NULL);
}

/* Sends what is to be sent, up to the next line that waits. */
static void go_on_with_script(connection *c) {
  lines *steps = c->is_back ? &return_script : &script;
  while (c->state == SCRIPTED) {
    if (c->step == steps->count) { become_ready(c); return; }
    const char *line = steps->line[c->step];
    if (*line == '<') return;
    c->step++;
    send_text(c, line + 2, 0);
  }
}

static void check_script(connection *c, const uint8_t *payload, uint32_t length) {
  lines *steps = c->is_back ? &return_script : &script;
  uint32_t wanted_length;
  const uint8_t *wanted = fill_in(steps->line[c->step] + 2, c, 0, &wanted_length);
  if (!memmem(payload, length, wanted, wanted_length)) return;
  c->step++;
  go_on_with_script(c);
}

/* ---- 7. What arrives -------------------------------------------------------------------------------- */

/* Reads a mark's digits: 6 of the sender, 16 of the time. False if these are no digits. */
static int read_mark(const uint8_t *digits, uint32_t *sender, uint64_t *time_ns) {
  uint64_t value = 0;
  for (int i = 0; i < 22; i++) {
    int c = digits[i], digit = c <= '9' ? c - '0' : (c | 32) - 'a' + 10;
    if (digit < 0 || digit > 15) return 0;
    if (i == 6) { *sender = value; value = 0; }
    value = value << 4 | digit;
  }
  *time_ns = value;
  return 1;
}

static void may_publish(connection *c) {
  if (c->is_due || !c->is_publisher) return;
  c->is_due = 1;
  due[due_count++] = c;
}

static void count_deliveries(connection *c, const uint8_t *payload, uint32_t length) {
  const uint8_t *at = payload, *end = payload + length;
  uint64_t now = 0;
  while ((at = memmem(at, end - at, "@@", 2)) && end - at >= 24) {
    uint32_t sender = 0;
    uint64_t sent_at = 0;
    if (!read_mark(at + 2, &sender, &sent_at)) { at += 2; continue; }
    at += 24;
    c->got++;
    if (sender == (uint32_t)c->number && c->on_the_way > 0) { c->on_the_way--; may_publish(c); }
    if (!is_measuring) continue;
    delivered++;
    if (!now) { now = now_ns(); bytes_in += length + (length < 126 ? 2 : 4); }
    double us = now > sent_at ? (now - sent_at) / 1e3 : 0;
    if (!is_storm) note(&latency, us);
    else if (c->is_steady) note(&steady_latency, us);
    else replayed++;
  }
}

static int is_delivery(const uint8_t *payload, uint32_t length) {
  return !set.delivery || memmem(payload, length, set.delivery, strlen(set.delivery));
}

/* Reads where in the log a frame stands: the answer to the first join, and then every message, each of
 * which has to be the next. */
static void note_position(connection *c, const uint8_t *payload, uint32_t length, int is_message) {
  const char *found = memmem(payload, length, set.position, strlen(set.position));
  if (!found || (!is_message && (c->is_back || c->state == READY))) return;
  uint64_t position = strtoull(found + strlen(set.position), NULL, 10);
  if (is_message && position <= c->position) { repeats++; return; }
  if (is_message && position > c->position + 1) holes++;
  c->position = position;
}

static void on_frame(connection *c, int opcode, const uint8_t *payload, uint32_t length) {
  if (opcode == PING) { send_frame(c, PONG, payload, length); return; }
  if (opcode == CLOSE) {
    int code = length > 1 ? payload[0] << 8 | payload[1] : 1005, words = length > 2 ? length - 2 : 0;
    if (gone < 3) fprintf(stderr, "load: closed by the server: %d %.*s\n", code, words, payload + 2);
    let_go(c, GONE);
    return;
  }
  if (opcode > BINARY_FRAME) return;
  if (is_opening && !c->heard) note(&first_frame, (now_ns() - c->opened_at) / 1e3);
  c->heard = 1;
  if (set.answer_to && length == strlen(set.answer_to) && !memcmp(payload, set.answer_to, length))
    send_text(c, set.answer, 0);
  int is_message = is_delivery(payload, length);
  if (set.position) note_position(c, payload, length, is_message && memmem(payload, length, "@@", 2));
  if (c->state == SCRIPTED) check_script(c, payload, length);
  if (is_message) count_deliveries(c, payload, length);
  if (c->is_back) check_caught_up(c);
}

/* Reads the answer to the upgrade; returns how many bytes it took, 0 if it is not whole yet. */
static uint32_t on_upgrade_answer(connection *c, const uint8_t *data, uint32_t length) {
  const uint8_t *end = memmem(data, length, "\r\n\r\n", 4);
  if (!end) return 0;
  if (!memmem(data, end - data, " 101 ", 5)) {
    if (gone < 3) fprintf(stderr, "load: refused: %.*s\n", length > 200 ? 200 : (int)length, data);
    let_go(c, GONE);
    return 0;
  }
  c->state = SCRIPTED;
  go_on_with_script(c);
  return end + 4 - data;
}

static void on_bytes(connection *c, const uint8_t *data, uint32_t length) {
  if (c->state == UPGRADING) {
    uint32_t taken = on_upgrade_answer(c, data, length);
    data += taken;
    length -= taken;
  }
  while (c->state >= SCRIPTED && c->state != GONE && length >= 2) {
    uint64_t payload = data[1] & 127;
    uint32_t header = 2;
    if (payload == 126) { if (length < 4) break; payload = data[2] << 8 | data[3]; header = 4; }
    else if (payload == 127) {
      if (length < 10) break;
      payload = 0;
      for (int i = 2; i < 10; i++) payload = payload << 8 | data[i];
      header = 10;
    }
    if (length < header + payload) break;
    on_frame(c, data[0] & 15, data + header, payload);
    data += header + payload;
    length -= header + payload;
  }
  if (c->state != GONE && c->state != CLOSED && length) keep(&c->in, data, length);
}

static void on_readable(connection *c) {
  static uint8_t data[1 << 18];
  uint32_t before = c->in.length;
  if (before >= sizeof data - 1) die("a frame is longer than %zu bytes", sizeof data);
  if (before) memcpy(data, c->in.data, before);
  ssize_t length = recv(c->fd, data + before, sizeof data - 1 - before, 0);
  if (length == 0 || (length < 0 && errno != EAGAIN)) { let_go(c, GONE); return; }
  if (length < 0) return;
  c->in.length = 0;
  data[before + length] = 0;
  on_bytes(c, data, before + length);
}

static void on_writable(connection *c) {
  ssize_t sent = send(c->fd, c->out.data, c->out.length, MSG_NOSIGNAL);
  if (sent < 0 && errno != EAGAIN) { let_go(c, GONE); return; }
  if (sent > 0) memmove(c->out.data, c->out.data + sent, c->out.length -= sent);
  if (!c->out.length) watch(c);
}

/* One turn: waits for something to happen, at most so long, and deals with it. */
static void turn(int at_most_ms) {
  struct epoll_event events[512];
  int count = epoll_wait(poller, events, 512, at_most_ms);
  for (int i = 0; i < count; i++) {
    connection *c = events[i].data.ptr;
    if (!c) { uint64_t ticks; if (read(timer, &ticks, sizeof ticks)) {} continue; }
    if (c->state == CLOSED || c->state == GONE) continue;
    if (c->state == CONNECTING) { on_connected(c); continue; }
    if (events[i].events & EPOLLOUT && c->out.length) on_writable(c);
    if (events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR) && c->state != GONE) on_readable(c);
  }
}

static void wait_s(double seconds) { for (uint64_t end = in_s(seconds); now_ns() < end;) turn(10); }

/* ---- 8. Publishing ---------------------------------------------------------------------------------- */

static connection **publishers;
static int publisher_count;

/* The first of each group, then the second of each, and so on. */
static void choose_publishers(void) {
  int groups = (set.connections + set.group - 1) / set.group;
  publishers = reserve(NULL, set.connections * sizeof *publishers);
  due = reserve(NULL, set.connections * sizeof *due);
  for (int rank = 0; rank < set.group && publisher_count < set.publishers; rank++)
    for (int group = 0; group < groups && publisher_count < set.publishers; group++) {
      int number = group * set.group + rank;
      if (number >= set.connections || all[number].state != READY || all[number].is_frozen) continue;
      all[number].is_publisher = 1;
      publishers[publisher_count++] = all + number;
    }
  if (!publisher_count) die("nobody is there to publish");
}

/* False if the connection is gone, or has so much waiting that nothing more can be sent. */
static int publish(connection *c, uint64_t time_ns) {
  if (c->state != READY) return 0;
  if (c->out.length > 1 << 20) { skipped++; return 0; }
  running_number++;
  send_text(c, set.message, time_ns);
  c->sent++;
  c->on_the_way++;
  c->published_at = now_ns();
  group_published[c->group]++;
  if (is_measuring) published++;
  return 1;
}

/* Closed loop: whoever has room in the window sends, up to `limit` messages in all if that is not 0. */
static void publish_due(int limit) {
  int count = due_count;
  due_count = 0;
  for (int i = 0; i < count; i++) {
    connection *c = due[i];
    c->is_due = 0;
    while (c->on_the_way < set.window && (!limit || c->sent < (uint32_t)limit))
      if (!publish(c, now_ns())) break;
  }
}

static void release_stalled(void) {
  static uint64_t looked_at;
  uint64_t now = now_ns();
  if (now - looked_at < 1000000000ull) return;
  looked_at = now;
  for (int i = 0; i < publisher_count; i++) {
    connection *c = publishers[i];
    if (!c->on_the_way || now - c->published_at < STALLED_S * 1e9) continue;
    stalled += c->on_the_way;
    c->on_the_way = 0;
    may_publish(c);
  }
}

/* Open loop: messages are due when they are due, whatever the server does. */
static uint64_t rate_start, rate_sent;
static double rate_due_ns;  /* since the start */

static void wake_up_at_rate(void) {
  uint64_t at = rate_start + (uint64_t)rate_due_ns, soon = now_ns() + 200000;
  if (at < soon) at = soon;  /* 5,000 wake-ups a second will do */
  struct itimerspec once = {.it_value = {at / 1000000000, at % 1000000000}};
  timerfd_settime(timer, TFD_TIMER_ABSTIME, &once, NULL);
}

static void start_rate(void) {
  rate_start = now_ns() + 1000000;
  rate_sent = rate_due_ns = 0;
  srand48(1);
  wake_up_at_rate();
}

static void stop_rate(void) {
  struct itimerspec never = {0};
  timerfd_settime(timer, 0, &never, NULL);
}

static void publish_at_rate(void) {
  uint64_t before = rate_sent;
  for (uint64_t now = now_ns(), at; (at = rate_start + (uint64_t)rate_due_ns) <= now; rate_sent++) {
    publish(publishers[rate_sent % publisher_count], at);
    rate_due_ns += 1e9 / set.rate * (set.is_random ? -log(1 - drand48()) : 1);
  }
  if (rate_sent != before) wake_up_at_rate();
}

static void start_publishing(void) {
  if (set.rate > 0) { start_rate(); return; }
  for (int i = 0; i < publisher_count; i++) may_publish(publishers[i]);
}

static void publishing_turn(void) {
  if (set.rate > 0) publish_at_rate();
  else { publish_due(0); release_stalled(); }
  turn(10);
}

/* Every message has to reach every member of its group once. Waits for what is on its way, then counts. */
static uint64_t missing, doubled;

static void count_lost(void) {
  uint64_t before = 0, quiet_since = now_ns(), end = in_s(DRAIN_S);
  while (now_ns() < end) {
    turn(20);
    missing = doubled = 0;
    uint64_t sum = 0;
    for (int i = 0; i < set.connections; i++) {
      connection *c = all + i;
      if (c->state != READY || c->is_frozen) continue;
      int64_t lacks = (int64_t)group_published[c->group] - c->got;
      if (lacks > 0) missing += lacks;
      else doubled -= lacks;
      sum += c->got;
    }
    if (!missing) return;
    if (sum != before) { before = sum; quiet_since = now_ns(); }
    else if (now_ns() - quiet_since > 1500000000ull) return;
  }
}

/* ---- 9. The phases ---------------------------------------------------------------------------------- */

static usage at_rest, at_open, after_open, at_start, at_end;
static double opened_s, opening_own_s, measured_s, own_s, storm_s;

/* Opens the connections that are closed, so many at once; `is_done` tells how many need no more waiting for. */
static void open_all(int (*is_done)(void), int wanted) {
  uint64_t progress_at = now_ns();
  int next = 0, started = 0, before = is_done(), done = before;
  while (done < wanted) {
    for (; next < set.connections && started - (done - before) < set.opening; next++)
      if (all[next].state == CLOSED) { open_connection(all + next); started++; }
    if (is_storm && set.rate > 0) publish_at_rate();
    turn(10);
    int now_done = is_done();
    if (now_done != done) progress_at = now_ns();
    else if (now_ns() - progress_at > STUCK_S * 1e9) {
      fprintf(stderr, "load: stuck: %d of %d connections done, %d gone\n", done, wanted, gone);
      break;
    }
    done = now_done;
  }
}

static int opened_or_gone(void) { return ready + gone; }

static void phase_open(void) {
  at_rest = server_usage(1);
  uint64_t start = now_ns();
  double own = own_cpu_s();
  is_opening = 1;
  open_all(opened_or_gone, set.connections);
  is_opening = 0;
  opened_s = (now_ns() - start) / 1e9;
  opening_own_s = own_cpu_s() - own;
  after_open = server_usage(0);
  wait_s(0.5);  /* joins of others are told, and the like */
  at_open = server_usage(1);
}

static void begin_measuring(void) {
  is_measuring = 1;
  at_start = server_usage(0);
  own_s = own_cpu_s();
  measured_s = now_ns();
}

static void end_measuring(void) {
  measured_s = (now_ns() - measured_s) / 1e9;
  own_s = own_cpu_s() - own_s;
  at_end = server_usage(0);
  is_measuring = 0;
  at_end.pss_kib = server_usage(1).pss_kib;
}

static void phase_idle(void) {
  wait_s(set.warm_up);
  begin_measuring();
  wait_s(set.seconds);
  end_measuring();
}

static void phase_publish(void) {
  choose_publishers();
  start_publishing();
  for (uint64_t end = in_s(set.warm_up); now_ns() < end;) publishing_turn();
  begin_measuring();
  for (uint64_t end = in_s(set.seconds); now_ns() < end;) publishing_turn();
  end_measuring();
  stop_rate();
  count_lost();
}

static int everybody_caught_up(void) { return caught_up + gone; }

static void publish_missed(void) {
  for (int i = 0; i < publisher_count; i++) may_publish(publishers[i]);
  for (uint64_t end = in_s(STORM_S); now_ns() < end;) {
    publish_due(set.missed);
    turn(10);
    int left = 0;
    for (int i = 0; i < publisher_count; i++)
      left += publishers[i]->on_the_way || publishers[i]->sent < (uint32_t)set.missed;
    if (!left) return;
  }
  die("the messages to be missed were not all published");
}

static void phase_storm(void) {
  int members = set.group;
  for (int i = 0; i < set.connections; i++) all[i].is_steady = i % members < set.steady;
  choose_publishers();
  for (int i = 0; i < publisher_count; i++) if (!publishers[i]->is_steady) die("publishers have to be steady");
  for (int i = 0; i < set.connections; i++) {
    if (all[i].is_steady || all[i].state != READY) continue;
    let_go(all + i, CLOSED);
    all[i].is_back = 1;
    returned++;
  }
  wait_s(0.5);
  publish_missed();
  wait_s(set.warm_up);

  is_storm = 1;
  if (set.rate > 0) start_rate();
  begin_measuring();
  uint64_t start = now_ns();
  open_all(everybody_caught_up, returned + gone);
  storm_s = (now_ns() - start) / 1e9;
  end_measuring();
  for (uint64_t end = in_s(set.seconds); set.rate > 0 && now_ns() < end;) publishing_turn();
  stop_rate();
  count_lost();
}

/* ---- 10. The report --------------------------------------------------------------------------------- */

static void print_figure(const char *name, double value) { printf("\"%s\":%.10g,", name, value); }

static void print_times(const char *name, const histogram *h) {
  if (!h->count) { printf("\"%s\":null,", name); return; }
  printf("\"%s\":{\"count\":%llu,\"p50\":%.3f,\"p99\":%.3f,", name, (unsigned long long)h->count,
         quantile_ms(h, .5), quantile_ms(h, .99));
  printf("\"p999\":%.3f,\"max\":%.3f},", quantile_ms(h, .999), h->max_us / 1000);
}

static double per(double value, double count) { return count ? value / count : 0; }

static void report_opening(int opened) {
  double cpu_s = after_open.cpu_s - at_rest.cpu_s;
  print_figure("connections", opened);
  print_figure("refused", refused);
  print_figure("gone", gone);
  print_figure("opened_per_s", per(opened, opened_s));
  print_figure("us_cpu_per_opened", per(cpu_s * 1e6, opened));
  print_figure("opening_server_cores", per(cpu_s, opened_s));
  print_figure("opening_own_cores", per(opening_own_s, opened_s));
  print_times("first_frame_ms", &first_frame);
  print_times("ready_ms", &ready_after);
  print_figure("kib_per_connection", per(at_open.pss_kib - at_rest.pss_kib, opened));
  printf("\"pss_kib\":{\"empty\":%ld,\"open\":%ld,", at_rest.pss_kib, at_open.pss_kib);
  printf("\"end\":%ld},", at_end.pss_kib);
}

static void report_storm(double cpu_s) {
  printf("\"storm\":{");
  print_times("caught_up_ms", &caught_up_after);
  print_times("steady_ms", &steady_latency);
  print_figure("returned", returned);
  print_figure("caught_up", caught_up);
  print_figure("replayed", replayed);
  print_figure("server_cpu_s", cpu_s);
  print_figure("us_cpu_per_replayed", per(cpu_s * 1e6, replayed));
  printf("\"seconds\":%.6f},", storm_s);
}

static void report_publishing(double cpu_s) {
  print_figure("published_per_s", per(published, measured_s));
  print_figure("delivered_per_s", per(delivered, measured_s));
  print_figure("bytes_per_delivery", per(bytes_in, delivered));
  print_figure("us_cpu_per_delivery", per(cpu_s * 1e6, delivered));
  print_figure("us_cpu_per_message", per(cpu_s * 1e6, published));
  print_times("latency_ms", &latency);
}

static void report(int opened) {
  double cpu_s = at_end.cpu_s - at_start.cpu_s;
  printf("{");
  report_opening(opened);
  if (set.has_return) report_storm(cpu_s);
  else if (!set.is_idle) report_publishing(cpu_s);
  print_figure("missing", missing);
  print_figure("doubled", doubled);
  print_figure("holes", holes);
  print_figure("repeats", repeats);
  print_figure("stalled", stalled);
  print_figure("skipped", skipped);
  print_figure("seconds", measured_s);
  print_figure("server_cores", per(cpu_s, measured_s));
  printf("\"own_cores\":%.6f}\n", per(own_s, measured_s));
}

int main(int count, char **argument) {
  read_options(count, argument);
  struct rlimit files;
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);

  poller = epoll_create1(0);
  timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
  struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};
  epoll_ctl(poller, EPOLL_CTL_ADD, timer, &event);
  all = calloc(set.connections, sizeof *all);
  group_published = calloc(set.connections / set.group + 1, sizeof *group_published);
  if (!all || !group_published) die("no memory");
  for (int i = 0; i < set.connections; i++) {
    all[i].number = i;
    all[i].group = i / set.group;
    all[i].is_frozen = i >= set.connections - set.frozen;
  }

  phase_open();
  int opened = ready;
  if (!opened) die("no connection could be opened");
  if (set.is_idle) phase_idle();
  else if (set.has_return) phase_storm();
  else phase_publish();
  report(opened);
  return gone ? 1 : 0;
}
