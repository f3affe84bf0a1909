"""Makes the video of the browser test: 60 s of noise, with the second in binary across the middle.

    pip install av==18.1.0 numpy && python scripts/browser/make-clock.py __test__/fixtures/clock.webm

Six fields mean 32, 16, 8, 4, 2 and 1: light for 1, dark for 0. Every second has a keyframe. The index of the keyframes (the cues) is at
the end, so that a player has to seek. Noise does not compress, so the file is large for its duration.
"""

import sys

import av
import numpy

WIDTH, HEIGHT, RATE, SECONDS = 320, 240, 10, 60
FIELDS, FIELD_WIDTH, LEFT, TOP, BOTTOM = 6, 48, 16, 80, 160
NOISE = 8

random = numpy.random.default_rng(1)
with av.open(sys.argv[1], "w", format="webm") as video:
    stream = video.add_stream("libvpx", rate=RATE)
    stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
    stream.bit_rate = 250_000
    stream.codec_context.gop_size = RATE
    stream.codec_context.options = {"deadline": "good", "cpu-used": "4", "auto-alt-ref": "0"}
    for number in range(RATE * SECONDS):
        second = number // RATE
        noise = random.integers(0, 256, (HEIGHT // NOISE, WIDTH // NOISE, 3), dtype=numpy.uint8)
        picture = noise.repeat(NOISE, 0).repeat(NOISE, 1)
        for field in range(FIELDS):
            left = LEFT + field * FIELD_WIDTH
            is_set = second >> (FIELDS - 1 - field) & 1
            picture[TOP:BOTTOM, left : left + FIELD_WIDTH] = 235 if is_set else 20
        frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
        frame.pts = number
        video.mux(stream.encode(frame))
    video.mux(stream.encode(None))
