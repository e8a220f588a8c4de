// The camera as a source of pictures.

const element = (id) => document.getElementById(id);
let stream = null, count = 0;

/** Offers the camera where the browser has one to offer; `taken(file)` gets each picture. */
export function offerCamera(taken, say) {
  if (!navigator.mediaDevices?.getUserMedia) return;
  element("webcam").hidden = false;
  element("webcam").addEventListener("click", () => open(say));
  element("stop").addEventListener("click", close);
  element("shoot").addEventListener("click", async () => {
    const view = element("view"), canvas = document.createElement("canvas");
    canvas.width = view.videoWidth;
    canvas.height = view.videoHeight;
    canvas.getContext("2d").drawImage(view, 0, 0);
    const blob = await new Promise((done) => canvas.toBlob(done, "image/jpeg", 0.92));
    taken(new File([blob], `Camera ${++count}.jpg`, { type: "image/jpeg" }));
  });
}

async function open(say) {
  try {
    stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } });
  } catch (error) {
    const refused = error.name === "NotAllowedError";
    return say(refused ? "The browser was not allowed to use the camera." : "There is no camera to use.", true);
  }
  element("view").srcObject = stream;
  element("lens").hidden = false;
  element("webcam").hidden = true;
  await element("view").play();
  element("shoot").focus();
}

function close() {
  for (const track of stream?.getTracks() ?? []) track.stop();
  stream = null;
  element("lens").hidden = true;
  element("webcam").hidden = false;
  element("webcam").focus();
}
