/* global document */
// What is done in the page, as the source of functions: they run in the browser, where nothing of this module is known.
// Not type-checked, since the rest of the project does not know of documents.

/** Waits until the video knows what it is. */
export const load = String(async () => {
  const ready = () => document.querySelector('video')?.readyState >= 1;
  while (!ready()) await new Promise((resolve) => setTimeout(resolve, 20));
  const { videoWidth, videoHeight, duration } = document.querySelector('video');
  return { width: videoWidth, height: videoHeight, duration };
});

/** Plays until this time is reached, in seconds. */
export const play = String(async (until) => {
  const video = document.querySelector('video');
  await video.play();
  while (video.currentTime < until) await new Promise((resolve) => setTimeout(resolve, 20));
  video.pause();
  return video.currentTime;
});

/** Seeks, and reads the second off the frame that is shown: six fields, light for 1 and dark for 0, in the middle. */
export const seek = String(async (time) => {
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
});
