"""Pages that reload in the browser when they are made anew, served on this machine alone.

What is served has a script that the files have not.  It listens to server-sent events: each tells the version of the
pages, and the error of the last build if there is one.
"""

import hashlib
import json
import threading
from functools import partial
from http import HTTPStatus
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

_EVENTS = "/events"
# Seconds between signs of life on a stream, so that one that the browser closed ends.
_BEAT = 15.0
_SCRIPT = """
<script>
new EventSource("%(events)s").onmessage = (message) => {
  const state = JSON.parse(message.data);
  if (state.version !== %(version)s) return location.reload();
  let bar = document.getElementById("build-error");
  if (!bar) {
    bar = document.createElement("pre");
    bar.id = "build-error";
    bar.setAttribute("role", "alert");
    bar.style = "position: fixed; inset: 0 0 auto; z-index: 9; margin: 0; padding: 1em; white-space: pre-wrap; " +
      "max-height: 40vh; overflow: auto; background: #fff0f0; color: #700; border-bottom: 3px solid #b00";
    document.body.append(bar);
  }
  bar.hidden = !state.error;
  bar.textContent = state.error;
};
</script>
"""
_EMPTY = "<!doctype html><html lang=en><title>No page yet</title><body><p>This page is not made yet.</p></body></html>"


class Live:
    """Serves ``results`` (results/<scale>) on ``port`` of this machine until ``close``; 0 takes a free port.

    Raises OSError if the port is taken.
    """

    def __init__(self, results: Path, port: int) -> None:
        self.results = results
        self.error = ""
        self.closed = False
        self.changed = threading.Condition()
        self.builds = 0
        self._server = ThreadingHTTPServer(("127.0.0.1", port), partial(_Handler, self))
        self.address = f"http://localhost:{self._server.server_port}/"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def tell(self, error: str = "") -> None:
        """Tell all open pages that a build is over, and its error if it failed."""
        with self.changed:
            self.error, self.builds = error, self.builds + 1
            self.changed.notify_all()

    def wait(self, seen: int) -> tuple[int, str]:
        """How many builds are over and the error of the last, once these are not ``seen``, or after a while."""
        with self.changed:
            self.changed.wait_for(lambda: self.closed or self.builds != seen, _BEAT)
            return self.builds, self.error

    def close(self) -> None:
        with self.changed:
            self.closed = True
            self.changed.notify_all()
        self._server.shutdown()
        self._server.server_close()

    def version(self) -> str:
        """Another one when any page was written."""
        written = [(path.name, path.stat().st_mtime_ns) for path in sorted((self.results / "report").glob("*.html"))]
        return hashlib.sha256(repr(written).encode()).hexdigest()[:12]


class _Handler(SimpleHTTPRequestHandler):
    def __init__(self, live: Live, *arguments: Any) -> None:
        self._live = live
        super().__init__(*arguments, directory=str(live.results))

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        if path == _EVENTS:
            self._stream()
        elif path == "/":
            self.send_response(HTTPStatus.FOUND)
            self.send_header("Location", "/report/index.html")
            self.end_headers()
        elif path.endswith(".html"):
            self._page(Path(self.translate_path(path)))
        else:
            super().do_GET()

    def end_headers(self) -> None:
        self.send_header("Cache-Control", "no-store")
        super().end_headers()

    def log_message(self, format: str, *arguments: Any) -> None:
        """Requests are no news in the terminal."""

    def _page(self, path: Path) -> None:
        # before it is read: a page written meanwhile is loaded again
        version = json.dumps(self._live.version())
        found = path.is_file()
        text = path.read_text(encoding="utf-8") if found else _EMPTY
        body, end, rest = text.rpartition("</body>")
        script = _SCRIPT % {"events": _EVENTS, "version": version}
        content = (body + script + end + rest).encode()
        self.send_response(HTTPStatus.OK if found else HTTPStatus.NOT_FOUND)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def _stream(self) -> None:
        """The state now, and again after each build."""
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", "text/event-stream")
        self.end_headers()
        live, seen = self._live, -1
        try:
            while not live.closed:
                builds, error = live.wait(seen)
                new, seen = builds != seen, builds
                state = json.dumps({"version": live.version(), "error": error})
                self.wfile.write(f"data: {state}\n\n".encode() if new else b":\n\n")
        except ConnectionError:
            # the browser closed the page
            return
