"""Running the page: one process, structured logs, a graceful stop."""

from __future__ import annotations

import logging
import signal
import sys
from pathlib import Path

import uvicorn

from .app import create_app
from .app_security import JsonFormatter

__all__ = ["serve_study"]


def serve_study(
    folder: Path,
    *,
    host: str = "127.0.0.1",
    port: int = 8000,
    root_path: str = "",
    proxies: str = "127.0.0.1",
) -> None:
    """Serve a study until SIGTERM or SIGINT; open requests are answered and the database is closed first.

    Args:
        folder: The study.
        host: Address to listen on.
        port: Port to listen on.
        root_path: Path under which a proxy serves the study.
        proxies: Addresses whose X-Forwarded headers are believed, with commas between them.

    Raises:
        FileNotFoundError: `folder` is no study.
        BlockingIOError: It is being served already.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter())
    log = logging.getLogger("mdfloss.study")
    for logger, level in ((log, logging.INFO), (logging.getLogger("uvicorn.error"), logging.WARNING)):
        logger.handlers, logger.propagate = [handler], False
        logger.setLevel(level)
    app = create_app(folder)
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        root_path=root_path,
        proxy_headers=True,
        forwarded_allow_ips=proxies,
        server_header=False,
        access_log=False,
        log_config=None,
        timeout_graceful_shutdown=10,
        timeout_keep_alive=30,
        limit_concurrency=2000,
    )
    log.info("serving", extra={"facts": {"host": host, "port": port}})
    # uvicorn stops gracefully at the first SIGTERM, then raises it once more: that one shall not end us with an error
    signal.signal(signal.SIGTERM, lambda *_: None)
    try:
        uvicorn.Server(config).run()
    finally:
        log.info("stopped")
