"""hindcast's driver: inside one Spark application it does what hindcast asks for, one request after another.

Usage: driver.py FOLDER. The folder is the application's, on this machine:
  application.json  what the application is, from hindcast: its supervisor's process, and what it is for
  secrets           a named pipe with the settings that are not to be stored, if there are any
  running.json      what Spark says of itself, written once the session is there
  inbox/N.json      requests in the order of their numbers; inbox/close asks for the end
  done/N.json       those that have ended
  progress.json     how far the request is that runs now
Each request names the file that its end is written to, last of all and by a rename: a request without it has not
ended. spark-submit mixes its own log into standard output, so nothing is said there that hindcast would have to read.

Python 3.8 and PySpark 3.5 are the oldest that this runs on.
"""

import json
import os
import shutil
import sys
import threading
import time

from hindcast_session import answer, reached, stages

POLL = 0.02  # seconds between looks into the inbox,
EAGER = 0.004  # and in the first second after a request, when the next one is mostly on its way
PROGRESS = 1  # seconds between two reports: each asks Spark some fifty things, beside its work
PARTING = 30  # seconds that an application without a supervisor waits for somebody to ask for more
DYING = 1  # seconds until it shows that the JVM has died, if that is why it does not answer
NETWORK = ("Py4JNetworkError", "ConnectionRefusedError", "ConnectionResetError", "BrokenPipeError", "Py4JError")


def read(path):
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def write(path, value):
    """Writes JSON durably: the file is there whole, or not at all."""
    part = path + ".part"
    with open(part, "w", encoding="utf-8") as file:
        json.dump(value, file)
        file.flush()
        os.fsync(file.fileno())
    os.rename(part, path)
    folder = os.open(os.path.dirname(path), os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


class Application:
    def __init__(self, folder):
        self.folder = folder
        self.inbox = os.path.join(folder, "inbox")
        self.about = read(os.path.join(folder, "application.json"))
        self.keep = self.about.get("keep")  # seconds that a session for queries stays after the last one, whoever asked for it
        self.current = None
        self.spark = None
        self.jvm = os.getppid()

    def bereft(self):
        """Whether the JVM has died, of which Python notices nothing while it asks for nothing."""
        return os.getppid() != self.jvm

    def serve(self):
        from pyspark.sql import SparkSession

        builder = SparkSession.builder
        secrets = self.secrets()
        for key, value in secrets.items():
            if key.startswith("spark."):
                builder = builder.config(key, value)
        self.spark = builder.getOrCreate()
        context = self.spark.sparkContext
        for key, value in secrets.items():
            if not key.startswith("spark."):  # Hadoop's: they go to executors with what these read and write, and into no settings of Spark
                context._jsc.hadoopConfiguration().set(key, value)
        context.setLogLevel("WARN")
        write(
            os.path.join(self.folder, "running.json"),
            {"python": os.getpid(), "application": context.applicationId, "version": context.version, "web": context.uiWebUrl or ""},
        )
        threading.Thread(target=self.report, daemon=True).start()
        idle = time.monotonic()
        while True:
            name = self.next()
            if self.bereft():
                os._exit(1)
            if name is None:
                if os.path.exists(os.path.join(self.inbox, "close")):
                    break
                idled = time.monotonic() - idle
                if self.forgotten(idled) and self.parted():
                    break
                time.sleep(EAGER if idled < 1 else POLL)
                continue
            self.do(name)
            if self.keep is None:
                os.rename(os.path.join(self.inbox, name), os.path.join(self.folder, "done", name))
            else:
                os.remove(os.path.join(self.inbox, name))  # it may have a secret in its SQL, and the folder stays
            idle = time.monotonic()
        self.spark.stop()
        if self.keep is None and not self.supervised():
            shutil.rmtree(self.folder, ignore_errors=True)  # a living supervisor does it, when it has confirmed the end

    def forgotten(self, idled):
        """Whether nobody will ask for more after so many idle seconds. Who asked a session removes the answer when it is read: one
        that stays has lost its reader."""
        if self.keep is None:
            return idled > PARTING and not self.supervised()
        if idled > self.keep:
            return idled > PARTING or not any(name.startswith("end-") for name in os.listdir(self.folder))
        return False

    def parted(self):
        """Closes the inbox, unless somebody has just asked for more, and removes the folder: nobody is left who would."""
        shut = self.inbox + ".closed"
        os.rename(self.inbox, shut)
        if any(name.endswith(".json") for name in os.listdir(shut)):
            os.rename(shut, self.inbox)
            return False
        shutil.rmtree(self.folder, ignore_errors=True)
        return True

    def secrets(self):
        """Settings that are not to be seen: they come through a named pipe and lie in no file."""
        if not self.about.get("secrets"):
            return {}
        pipe = os.open(os.path.join(self.folder, "secrets"), os.O_RDONLY | os.O_NONBLOCK)
        text, patience = b"", time.monotonic() + PARTING
        while not text.endswith(b"\n"):
            try:
                text += os.read(pipe, 65536)
            except BlockingIOError:
                pass
            if time.monotonic() > patience:
                sys.exit("hindcast has died before it could say the settings")
            time.sleep(POLL)
        os.close(pipe)
        return json.loads(text)

    def next(self):
        return min((n for n in os.listdir(self.inbox) if n.endswith(".json")), default=None)

    def supervised(self):
        """Whether the process that started the application is still there."""
        pid, started = self.about["supervisor"], self.about.get("supervisor_started", "")
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return False
        except PermissionError:
            return True
        try:
            with open("/proc/%d/stat" % pid, encoding="utf-8", errors="replace") as file:
                fields = file.read().rpartition(")")[2].split()
            return fields[0] not in "ZX" and (not started or fields[19] == started)
        except OSError:
            return not os.path.exists("/proc/self/stat")

    def do(self, name):
        request = read(os.path.join(self.inbox, name))
        end = request["end"]
        if os.path.exists(end):
            return
        self.current, self.keep = name, request.get("keep", self.keep)
        try:
            says = answer(self.spark, name, request, self.raised)
        finally:
            self.current = None
        says["peak"] = peak(os.getpid()) + peak(os.getppid())
        write(end, says)

    def raised(self, error):
        """Ends the driver if an error is the JVM's death."""
        time.sleep(DYING if type(error).__name__ in NETWORK else 0)
        if self.bereft():
            os._exit(1)

    def report(self):
        """Says now and then how far the current request is."""
        path = os.path.join(self.folder, "progress.json")
        while True:
            time.sleep(PROGRESS)
            name = self.current
            if name is None:
                continue
            try:
                write(path, dict(reached(stages(self.spark.sparkContext, name)), request=name))
            except Exception:  # a report that fails is followed by another
                pass


def peak(pid):
    """The most memory that a process had, in bytes; 0 where the system does not say."""
    try:
        with open("/proc/%d/status" % pid, encoding="utf-8") as file:
            for line in file:
                if line.startswith("VmHWM:"):
                    return int(line.split()[1]) * 1024
    except OSError:
        pass
    return 0


if __name__ == "__main__":
    Application(sys.argv[1]).serve()
