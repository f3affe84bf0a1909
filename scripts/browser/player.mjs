/* global document */
// Functions that run in the page. They can use nothing from this module. Not type-checked: the project has no DOM types.

/** Waits for the video's metadata. */
export async function load() {
  const ready = () => document.querySelector('video')?.readyState >= 1;
  while (!ready()) await new Promise((resolve) => setTimeout(resolve, 20));
  const { videoWidth, videoHeight, duration } = document.querySelector('video');
  return { width: videoWidth, height: videoHeight, duration };
}

/** Plays up to a time in seconds. Returns the time at which the video stands. */
export async function play(until) {
  const video = document.querySelector('video');
  await video.play();
  while (video.currentTime < until) await new Promise((resolve) => setTimeout(resolve, 20));
  video.pause();
  return video.currentTime;
}

/** Seeks, and decodes the second from the frame shown: six fields in the middle, light for 1 and dark for 0. */
export async function seek(time) {
  const video = document.querySelector('video');
  await new Promise((resolve, reject) => {
    video.addEventListener('seeked', resolve, { once: true });
    video.addEventListener('error', () => reject(new Error(video.error.message)), { once: true });
    video.currentTime = time;
  });
  const canvas = document.createElement('canvas');
  canvas.width = video.videoWidth;
  canvas.height = video.videoHeight;
  const context = canvas.getContext('2d');
  context.drawImage(video, 0, 0);
  let second = 0;
  for (let field = 0; field < 6; field += 1) {
    const [red] = context.getImageData(16 + field * 48 + 24, 120, 1, 1).data;
    second = second * 2 + (red > 127 ? 1 : 0);
  }
  return second;
}
