"""uvicorn's protocol as the HTTP servers here run it: the head of a request is bounded."""

from __future__ import annotations

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from localgcp.guard import MAX_HEAD


class BoundedHttp(HttpToolsProtocol):
    """uvicorn's protocol, which by itself gathers a head without end.

    A head that is whole is measured by the guard.
    """

    _in_head, _turns, _head = True, 0, 0
    """Whether a head is coming, how often one or its body ended, and the head's bytes so far."""

    def data_received(self, data: bytes) -> None:
        """Give up on a head that has become too long."""
        before = self._turns
        super().data_received(data)
        # Of a chunk that ended something, what follows is less than one read gives.
        if self._turns != before or not self._in_head:
            self._head = 0
            return
        self._head += len(data)
        if self._head > MAX_HEAD and not self.transport.is_closing():
            self.send_400_response(f"the request's head is longer than {MAX_HEAD} bytes")

    def on_headers_complete(self) -> None:
        """The head is whole."""
        self._in_head, self._turns = False, self._turns + 1
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """The next head begins."""
        self._in_head, self._turns = True, self._turns + 1
        super().on_message_complete()
