#!/usr/bin/env python3
"""A report in headless Chromium.

usage: browser.py REPORT [SCREENSHOTS]

REPORT is a folder that `vswarm-u report` has written. In the browser it must load without errors and
without a request beyond its own file, sort its table, show every view that can be chosen, and keep all
labels of all charts inside their charts and apart from each other, set in any of FONTS. Every chart must be
well-formed on its own. With SCREENSHOTS, pictures of every section in light and dark are written there.

Ends with status 0, with 1 and the reason, or with 77 where there is no Chromium.
"""
import base64
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import xml.etree.ElementTree

NO_BROWSER = 77
PROGRAMS = ["chromium", "chromium-browser", "google-chrome"]
# A browser that has not answered everything by then hangs.
SECONDS = 300
SECONDS_TO_END = 10
WIDTH = 1280
# What stands in for Helvetica on most Linux desktops, and what has its widths. One that is not installed is
# tried in vain: another takes its place. Pictures are in the last.
FONTS = ["DejaVu Sans", "Liberation Sans"]

# Labels that leave their chart or lie over another. Slanted ones are compared by the distance of their
# lines, since their boxes overlap although they do not.
LABELS = """
(() => {
  const wrong = [];
  const apart = (a, b) => a.right <= b.left + 1 || b.right <= a.left + 1 || a.bottom <= b.top + 1 || b.bottom <= a.top + 1;
  for (const svg of document.querySelectorAll("svg")) {
    const frame = svg.getBoundingClientRect();
    if (frame.width === 0) continue;
    const name = svg.querySelector("title").textContent;
    const texts = [...svg.querySelectorAll("text")];
    const slanted = texts.filter((text) => (text.getAttribute("transform") ?? "").includes("rotate(-35)"));
    const straight = texts.filter((text) => !slanted.includes(text)).map((text) => [text, text.getBoundingClientRect()]);
    for (const text of texts) {
      const box = text.getBoundingClientRect();
      if (box.left < frame.left || box.right > frame.right || box.top < frame.top || box.bottom > frame.bottom)
        wrong.push(`${name}: "${text.textContent}" leaves the chart`);
    }
    straight.forEach(([one, a], index) => {
      for (const [other, b] of straight.slice(index + 1))
        if (!apart(a, b)) wrong.push(`${name}: "${one.textContent}" is over "${other.textContent}"`);
    });
    const places = slanted.map((text) => Number(text.getAttribute("transform").match(/translate\\(([0-9.]+)/)[1]));
    places.slice(1).forEach((x, index) => {
      if ((x - places[index]) * Math.sin(35 * Math.PI / 180) < 11) wrong.push(`${name}: slanted labels are too close`);
    });
  }
  return wrong;
})()
"""
SORTED = """
(() => {
  const table = document.querySelector("#runs");
  const column = [...table.tHead.rows[0].cells].findIndex((head) => head.textContent === "CPI");
  const values = () => [...table.tBodies[0].rows].map((row) => row.cells[column].dataset.key);
  const press = () => table.tHead.rows[0].cells[column].firstElementChild.click();
  press();
  const up = values();
  press();
  return { up, down: values(), mark: table.tHead.rows[0].cells[column].getAttribute("aria-sort") };
})()
"""
CHOOSE = """
(() => {
  const views = [...document.querySelectorAll(".views > input")];
  const wrong = [];
  for (const view of views) {
    view.click();
    const panel = view.parentElement;
    const figures = [...panel.querySelectorAll("figure")];
    const shown = figures.filter((figure) => figure.getBoundingClientRect().height > 0);
    const place = [...panel.querySelectorAll("input")].indexOf(view);
    if (shown.length !== 1 || shown[0] !== figures[place]) wrong.push(view.id);
  }
  return wrong;
})()
"""
# The chosen view of every panel: those with several show their n-th, the rest what they have.
SHOW = """document.querySelectorAll(".views").forEach((panel) => panel.querySelectorAll("input")[%d]?.click())"""


SET_IN = """document.querySelectorAll("svg").forEach((svg) => svg.setAttribute("font-family", "%s"))"""


class Browser:
    """Chromium, spoken to through a pair of pipes (--remote-debugging-pipe)."""

    def __init__(self, program, profile):
        to_browser, self.write_end = os.pipe()
        self.read_end, from_browser = os.pipe()
        command = [
            "sh", "-c", f'exec "$0" "$@" 3<&{to_browser} 4>&{from_browser}',
            program, "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
            "--disable-background-networking", "--disable-component-update", "--remote-debugging-pipe",
            f"--user-data-dir={profile}", f"--window-size={WIDTH},900", "about:blank",
        ]
        self.process = subprocess.Popen(
            command, pass_fds=[to_browser, from_browser], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        os.close(to_browser)
        os.close(from_browser)
        self.unread, self.events, self.number, self.session = b"", [], 0, None

    def message(self):
        while b"\0" not in self.unread:
            more = os.read(self.read_end, 1 << 16)
            if not more:
                raise AssertionError("the browser ended")
            self.unread += more
        text, self.unread = self.unread.split(b"\0", 1)
        return json.loads(text)

    def call(self, method, **parameters):
        self.number += 1
        call = {"id": self.number, "method": method, "params": parameters}
        if self.session:
            call["sessionId"] = self.session
        os.write(self.write_end, json.dumps(call).encode() + b"\0")
        while True:
            message = self.message()
            if message.get("id") == self.number:
                if "error" in message:
                    raise AssertionError(f"{method}: {message['error']}")
                return message["result"]
            self.events.append(message)

    def wait_for(self, method):
        while not any(event.get("method") == method for event in self.events):
            self.events.append(self.message())

    def evaluate(self, expression):
        result = self.call("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in result, result["exceptionDetails"]
        return result["result"].get("value")

    def open(self, url):
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ["Page", "Runtime", "Log", "Network"]:
            self.call(f"{domain}.enable")
        self.events.clear()
        self.call("Page.navigate", url=url)
        self.wait_for("Page.loadEventFired")

    def close(self):
        os.close(self.write_end)
        try:
            self.process.wait(timeout=SECONDS_TO_END)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def complaints(events):
    """What the page said that a page should not say."""
    for event in events:
        method, parameters = event.get("method"), event.get("params", {})
        if method == "Runtime.exceptionThrown":
            yield parameters["exceptionDetails"]
        if method == "Runtime.consoleAPICalled":
            yield parameters
        if method == "Log.entryAdded":
            yield parameters["entry"]


def requests(events):
    return [event["params"]["request"]["url"] for event in events if event.get("method") == "Network.requestWillBeSent"]


def check_sorting(browser):
    found = browser.evaluate(SORTED)
    keys = [float(key) for key in found["up"] if key]
    assert keys == sorted(keys), keys
    assert [float(key) for key in found["down"] if key] == sorted(keys, reverse=True), found
    assert found["mark"] == "descending", found


def check_labels(browser):
    """In every view of every panel, and in every font."""
    most = browser.evaluate("Math.max(1, ...[...document.querySelectorAll('.views')].map((p) => p.querySelectorAll('input').length))")
    for index in range(int(most)):
        browser.evaluate(SHOW % index)
        for font in FONTS:
            browser.evaluate(SET_IN % font)
            wrong = browser.evaluate(LABELS)
            assert not wrong, f"in {font}:\n" + "\n".join(wrong)


def check_charts(report):
    charts = sorted((report / "charts").glob("*.svg"))
    for chart in charts:
        root = xml.etree.ElementTree.parse(chart).getroot()
        assert root.tag == "{http://www.w3.org/2000/svg}svg", chart
        assert chart.with_suffix(".csv").exists(), chart
    return len(charts)


def photograph(browser, section, path):
    """The section with that anchor, or the whole page."""
    box = browser.evaluate(
        f"(() => {{ const box = (document.getElementById('{section}') ?? document.body).getBoundingClientRect();"
        "return { x: 0, y: box.top + scrollY, width: innerWidth, height: Math.min(box.height, 4000) + 10, scale: 1 }; })()"
    )
    picture = browser.call("Page.captureScreenshot", format="png", captureBeyondViewport=True, clip=box)
    path.write_bytes(base64.b64decode(picture["data"]))


def screenshots(browser, folder):
    """The page and every section in light and dark, and in light every view of every section."""
    folder.mkdir(parents=True, exist_ok=True)
    count = "[...document.querySelectorAll('main > section')].map((section) => [section.id, Math.max(1, ..." \
        "[...section.querySelectorAll('.views')].map((panel) => panel.querySelectorAll('input').length))])"
    sections = [("page", 1), *browser.evaluate(count)]
    for scheme in ["light", "dark"]:
        browser.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
        for section, views in sections:
            for view in range(views if scheme == "light" else 1):
                browser.evaluate(SHOW % view)
                photograph(browser, section, folder / f"{scheme}-{section}-{view}.png")


def hangs(*_):
    raise AssertionError(f"the browser has not answered in {SECONDS} s")


def main():
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    report = pathlib.Path(sys.argv[1]).resolve()
    program = next(filter(None, map(shutil.which, PROGRAMS)), None)
    if program is None:
        print("skipped: there is no Chromium (Debian: chromium)")
        return NO_BROWSER
    charts = check_charts(report)
    url = (report / "index.html").as_uri()
    signal.signal(signal.SIGALRM, hangs)
    signal.alarm(SECONDS)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        browser = Browser(program, profile)
        try:
            browser.open(url)
            check_sorting(browser)
            wrong = browser.evaluate(CHOOSE)
            assert not wrong, f"views that do not show: {wrong}"
            check_labels(browser)
            if len(sys.argv) == 3:
                screenshots(browser, pathlib.Path(sys.argv[2]))
            said = list(complaints(browser.events))
            assert not said, said
            asked = [place for place in requests(browser.events) if not place.startswith("data:")]
            assert asked == [url], asked
        finally:
            browser.close()
    print(f"{charts} charts, no errors, no requests")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except AssertionError as reason:
        print(reason)
        sys.exit(1)
