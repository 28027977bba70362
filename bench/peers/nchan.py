"""nchan: publish and subscribe as a module of nginx, in C. Debian has both as packages."""

import shutil
from pathlib import Path

from bench.harness.processes import Process
from bench.harness.server import JSON_MESSAGE, Crowd, Dialect
from bench.peers.installed import debian_package

SETTINGS = """
daemon off; master_process off; pid {home}/nginx.pid; error_log stderr error;
worker_rlimit_nofile 20000;
load_module {module};
events {{ worker_connections 19900; multi_accept on; }}
http {{
  access_log off; client_body_temp_path {home}/body; proxy_temp_path {home}/proxy;
  fastcgi_temp_path {home}/fastcgi; uwsgi_temp_path {home}/uwsgi; scgi_temp_path {home}/scgi;
  nchan_shared_memory_size 256M;
  server {{
    listen 127.0.0.1:{port} backlog=4096;
    location ~ ^/(room-[0-9]+)$ {{
      nchan_pubsub websocket; nchan_channel_id $1; nchan_subscriber_first_message newest;
    }}
  }}
}}
"""
MODULE = Path("/usr/lib/nginx/modules/ngx_nchan_module.so")


class Nchan:
    """A channel a room; nchan keeps the newest messages of each in memory."""

    name = "nchan"
    title = "nchan (C, in nginx)"

    def missing(self) -> str | None:
        """See `Server.missing`."""
        there = MODULE.exists() and shutil.which("nginx", path="/usr/sbin:/usr/bin")
        return None if there else "not installed: apt-get install nginx-light libnginx-mod-nchan"

    def version(self) -> str:
        """See `Server.version`."""
        return f"nchan {debian_package('libnginx-mod-nchan')}, nginx {debian_package('nginx')}"

    def start(self, crowd: Crowd, home: Path, port: int) -> Process:  # noqa: ARG002 - it takes everybody
        """See `Server.start`."""
        settings = home / "nginx.conf"
        settings.write_text(SETTINGS.format(home=home, port=port, module=MODULE))
        return Process(["/usr/sbin/nginx", "-p", home, "-c", settings], port=port, home=home)

    def dialect(self, crowd: Crowd, home: Path) -> Dialect:  # noqa: ARG002
        """See `Server.dialect`."""
        return Dialect(path="/room-%g", message=JSON_MESSAGE)
