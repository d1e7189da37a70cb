"""A real hub, that of Flask-WebSub, run as a process: it verifies, fetches and distributes."""

import sys

from celery import Celery
from flask import Flask
from flask_websub.hub import Hub, SQLite3HubStorage

app = Flask(__name__)
app.config["PUBLISH_SUPPORTED"] = True
celery = Celery("hub")
# Tasks run immediately, without a broker.
celery.conf.task_always_eager = True
hub = Hub(SQLite3HubStorage(f"{sys.argv[2]}/hub.sqlite"), celery, REQUEST_TIMEOUT=5)
app.register_blueprint(hub.build_blueprint("/hub"))

if __name__ == "__main__":
    app.run("127.0.0.1", int(sys.argv[1]), threaded=True)
