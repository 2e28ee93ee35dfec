"""Streamlit calls a component once for each drawing, in any order while its module is on the way, and ends what was
overtaken: a component shows its newest drawing all the same, and goes on hearing its keys."""

from typing import Any

from playwright.sync_api import Page, expect

from dashboard.components.mount import code

LOAD = """async ([code, host]) => {
  const { default: draw } = await import(URL.createObjectURL(new Blob([code], { type: "text/javascript" })));
  const root = document.body.appendChild(Object.assign(document.createElement("div"), { id: host })).attachShadow({ mode: "open" });
  window[host] = (data) => draw({ name: host, data, parentElement: root, setStateValue() {} });
}"""  # noqa: E501


def data(drawn: int, **more: Any) -> dict[str, Any]:
    return {"epoch": "a", "drawn": drawn, "ack": 0, "clock": 0, **more}


def test_the_newest_drawing_counts_whichever_comes_last(page: Page) -> None:
    empty = {"slots": [], "awaited": [], "free": "", "how": "", "words": {"dismiss": "Dismiss"}}
    page.evaluate(LOAD, [code("kit", "slots"), "slots"])
    for drawn, refused in ((2, [{"id": "x", "sentence": "This file is a GIF."}]), (1, [])):
        page.evaluate("data => void slots(data)", data(drawn, refused=refused, **empty))
    expect(page.get_by_role("alert")).to_have_text("This file is a GIF.Dismiss")
    page.evaluate("data => void slots(data)", data(3, refused=[], **empty))
    expect(page.get_by_role("alert")).to_have_text("")
    page.evaluate("data => void slots(data)", data(1, refused=[{"id": "y", "sentence": "Later."}], **empty, epoch="b"))
    expect(page.get_by_role("alert")).to_have_text("Later.Dismiss")  # another session counts anew


def test_the_end_of_an_overtaken_drawing_ends_nothing(page: Page) -> None:
    given = {"words": {"open": "Keys", "close": "Close"}, "groups": [], "write": ""}
    page.evaluate(LOAD, [code("kit", "keys"), "keys"])
    page.evaluate("([first, second]) => { const end = keys(first); window.end = keys(second); end(); }",
                  [data(1, **given), data(2, **given)])  # fmt: skip
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keys")).to_be_visible()
    page.keyboard.press("Escape")
    page.evaluate("() => { document.querySelector('#keys').remove(); end(); }")
    assert page.evaluate(
        "() => !document.dispatchEvent(new KeyboardEvent('keydown', { key: '?', cancelable: true }))"
    ) is False  # fmt: skip


FORM = """<div class=st-key-prompt><textarea aria-label=Prompt></textarea></div>
<div class=st-key-generate><button>Edit</button></div>"""
BESIDE = {"field": "prompt", "base": "", "seen": None, "whose": "a", "told": None, "drop_words": {}, "button": "b",
          "heard": 0, "heard_text": "", "form": "", "shortcut": False, "asks": "Add a prompt"}  # fmt: skip


def test_what_is_typed_after_a_press_outlives_the_text_that_comes_over_it(page: Page) -> None:
    page.route("**/*", lambda route: route.fulfill(body=FORM, content_type="text/html"))
    page.goto("http://127.0.0.1/")
    page.evaluate(LOAD, [code("composer"), "composer"])
    field = page.get_by_label("Prompt")

    def come(drawn: int, text: str) -> None:
        field.evaluate("(field, text) => void (field.value = text)", text)
        page.evaluate("data => void composer(data)", data(drawn, text=text, **BESIDE))

    come(1, "a kite")
    field.press_sequentially(", blue")
    page.get_by_role("button").click()
    come(2, "a boat")
    field.press_sequentially("!")
    expect(field).to_have_value("a boat!")  # what was typed before the press is replaced
    page.get_by_role("button").click()
    field.press_sequentially(" make it night")
    come(3, "")
    expect(field).to_have_value("make it night")
    page.get_by_role("button").click()
    field.press_sequentially(" and wi")
    field.evaluate("(field) => void (field.value = '')")  # the field first, and the rest of the page much later
    field.press_sequentially("ndy")
    come(4, "and windy")
    expect(field).to_have_value("and windy")


def test_a_press_of_a_button_that_asks_for_the_text_that_stands_there_is_told(page: Page) -> None:
    """It was drawn anew, as after *Edit*, and the text was typed before it or we knew of it."""
    page.route("**/*", lambda route: route.fulfill(body=FORM, content_type="text/html"))
    page.goto("http://127.0.0.1/")
    page.evaluate(LOAD.replace("setStateValue() {}", "setStateValue: (name, said) => (window[name] = said)"),
                  [code("composer"), "composer"])  # fmt: skip
    page.evaluate("data => void composer(data)", data(1, text="", **BESIDE | {"shortcut": True}))
    page.get_by_role("button").evaluate("(button) => (button.disabled = Boolean(button.textContent = 'Add a prompt'))")
    field = page.get_by_label("Prompt")
    field.press("Control+Enter")
    page.wait_for_timeout(1_000)
    assert page.evaluate("window.pressed") is None  # for nothing
    field.fill("make it night")
    field.press("Control+Enter")
    page.wait_for_function("window.pressed?.text === 'make it night'")


def test_a_picture_that_is_pasted_where_no_model_takes_one_is_told(page: Page) -> None:
    page.set_content("<div class='st-key-add_references'><i data-testid='stFileUploaderDropzone'></i></div><textarea>")
    page.evaluate(LOAD.replace("setStateValue() {}", "setStateValue: (_, queue) => (window.told = queue)"),
                  [code("kit", "carried"), "carried"])  # fmt: skip
    page.evaluate("data => void carried(data)", data(1, on=False, words={"drop": ""}))
    paste = """([where, what]) => {
      const clipboardData = new DataTransfer();
      if (what) clipboardData.setData("text/plain", what);
      else clipboardData.items.add(new File(["x"], "a.png", { type: "image/png" }));
      const about = { clipboardData, bubbles: true, cancelable: true, composed: true };
      document.querySelector(where).dispatchEvent(new ClipboardEvent("paste", about));
      return window.told?.map((one) => one.act);
    }"""
    assert page.evaluate(paste, ["textarea", "a kite"]) is None, "a text is a text"
    assert page.evaluate(paste, ["textarea", ""]) == ["in_vain"]
