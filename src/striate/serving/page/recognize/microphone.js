// The microphone as a source of recordings: what it heard becomes a WAV file, which every service reads.

const RATE = 16000; // samples a second of that file
const element = (id) => document.getElementById(id);
let count = 0;

/** Offers the microphone where the browser has one to offer; `taken(file)` gets each recording. */
export function offerMicrophone(taken, say) {
  if (!navigator.mediaDevices?.getUserMedia || !window.MediaRecorder) return;
  const button = element("microphone");
  let recorder = null;
  button.hidden = false;
  button.addEventListener("click", async () => {
    if (recorder) return recorder.stop();
    let stream;
    try {
      stream = await navigator.mediaDevices.getUserMedia({ audio: true });
    } catch (error) {
      const refused = error.name === "NotAllowedError";
      return say(refused ? "The browser was not allowed to use the microphone." : "There is no microphone to use.", true);
    }
    const parts = [];
    recorder = new MediaRecorder(stream);
    recorder.addEventListener("dataavailable", ({ data }) => parts.push(data));
    recorder.addEventListener("stop", async () => {
      for (const track of stream.getTracks()) track.stop();
      const { mimeType } = recorder;
      recorder = null;
      button.textContent = "Record";
      button.setAttribute("aria-pressed", "false");
      try {
        taken(await wav(new Blob(parts, { type: mimeType }), `Recording ${++count}.wav`));
      } catch {
        say("Nothing was recorded.", true);
      }
    });
    recorder.start();
    button.textContent = "Stop recording";
    button.setAttribute("aria-pressed", "true");
  });
}

/** What a browser recorded, in whatever form, as 16 bits a sample. */
async function wav(blob, name) {
  const sound = await new OfflineAudioContext(1, 1, RATE).decodeAudioData(await blob.arrayBuffer());
  const channels = Array.from({ length: sound.numberOfChannels }, (_, k) => sound.getChannelData(k));
  const view = new DataView(new ArrayBuffer(44 + 2 * sound.length));
  const text = (place, word) => [...word].forEach((letter, k) => view.setUint8(place + k, letter.charCodeAt(0)));
  text(0, "RIFF");
  view.setUint32(4, 36 + 2 * sound.length, true);
  text(8, "WAVEfmt ");
  view.setUint32(16, 16, true);
  view.setUint16(20, 1, true); // samples as they are
  view.setUint16(22, 1, true); // one channel
  view.setUint32(24, RATE, true);
  view.setUint32(28, 2 * RATE, true);
  view.setUint16(32, 2, true);
  view.setUint16(34, 16, true);
  text(36, "data");
  view.setUint32(40, 2 * sound.length, true);
  for (let k = 0; k < sound.length; k++) {
    const mean = channels.reduce((sum, each) => sum + each[k], 0) / channels.length;
    view.setInt16(44 + 2 * k, 32767 * Math.max(-1, Math.min(1, mean)), true);
  }
  return new File([view], name, { type: "audio/wav" });
}
