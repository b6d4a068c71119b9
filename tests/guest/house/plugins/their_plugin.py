"""Somebody else's plugin: a WebSocket with a token in its address, and routes whose names look like Airflow's."""

from typing import Any, ClassVar

from airflow.plugins_manager import AirflowPlugin
from fastapi import FastAPI, Request, WebSocket

app = FastAPI()


@app.post("/connections/test")
@app.post("/connections/enqueue-test")
async def connections_test(request: Request) -> dict[str, int]:
    """Say how much was sent."""
    return {"bytes": len(await request.body())}


@app.get("/orders/{number}")
def order(number: str, invoice: str = "", barcode: str = "", state: str = "") -> dict[str, str]:
    """Repeat what was asked for."""
    return {"number": number, "invoice": invoice, "barcode": barcode, "state": state}


@app.websocket("/room/{name}")
async def room(socket: WebSocket, name: str) -> None:
    """Say who has come, and to which room."""
    await socket.accept()
    await socket.send_json({"room": name, "path": socket.url.path, "query": str(socket.url.query)})
    await socket.close()


class TheirPlugin(AirflowPlugin):
    """Adds the routes."""

    name = "theirs"
    fastapi_apps: ClassVar[list[Any]] = [{"app": app, "url_prefix": "/x", "name": "Theirs"}]
