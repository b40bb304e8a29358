#!/bin/sh
# Makes the title of the demonstration with ffmpeg's own sources: nothing is
# downloaded. Run it in this folder; the same version of ffmpeg and libx264 makes
# the same bytes. Needs ffmpeg with libx264 and drawtext, and the DejaVu fonts.
#
#   fmp4/  video in two renditions and audio, each its own track, in fragmented
#          MP4: master.m3u8 (HLS) and manifest.mpd (DASH) name the same segments
#   ts/    the same renditions, each with the audio, in MPEG-2 transport streams
set -eu
cd "$(dirname "$0")"

seconds=14
rate=25
mono=/usr/share/fonts/truetype/dejavu/DejaVuSansMono-Bold.ttf
sans=/usr/share/fonts/truetype/dejavu/DejaVuSans-Bold.ttf
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

quiet="-hide_banner -loglevel error -nostdin -y"
exact="-fflags +bitexact -flags +bitexact -map_metadata -1"

# The picture: a dive into the Mandelbrot set, so that every frame differs, with a
# counter that shows which. The dot is white in the first quarter of every second,
# when the tone begins: sound and picture can be compared.
picture="mandelbrot=size=640x360:rate=$rate:maxiter=420:start_scale=2.6:end_scale=0.006:end_pts=$((seconds * rate)):start_x=-0.7436438870371587:start_y=-0.13182590420531197:inner=mincol:bailout=12"
grade="colorchannelmixer=.5:.1:.1:0:.18:.4:.22:0:.28:.32:.75:0,gblur=sigma=0.6"
label="drawbox=x=0:y=ih-64:w=iw:h=64:color=0x0b1020@0.62:t=fill"
label="$label,drawtext=fontfile=$sans:text='edged':x=24:y=h-43:fontsize=26:fontcolor=white"
label="$label,drawtext=fontfile=$mono:text='%{pts\\:hms}':x=(w-tw)/2:y=h-42:fontsize=24:fontcolor=white"
label="$label,drawtext=fontfile=$mono:text='frame %{eif\\:n\\:d\\:3}':x=w-tw-24:y=h-39:fontsize=19:fontcolor=0xd6deff"
label="$label,drawbox=x=126:y=ih-38:w=12:h=12:color=white:t=fill:enable='lt(mod(t,1),0.25)'"
label="$label,drawbox=x=0:y=ih-4:w=iw:h=4:color=0x6ea8fe@0.9:t=fill"

# The sound: one plucked note a second, up a pentatonic scale and down again.
step="abs(mod(floor(t)\\,8)-4)"
note="196*pow(2\\,(2*$step+floor($step/2)+floor($step/4))/12)"
pluck="exp(-3.2*mod(t\\,1))*min(1\\,mod(t\\,1)*200)"
sound="aevalsrc=0.3*$pluck*(sin(2*PI*t*$note)+0.35*sin(4*PI*t*$note)+0.12*sin(6*PI*t*$note)):s=48000:c=mono:d=$seconds"

video() { # height, width, bits a second, profile
	ffmpeg $quiet -i "$work/picture.mkv" $exact \
		-vf "scale=$2:$1:flags=lanczos,drawtext=fontfile=$mono:text='$1p':x=w-tw-w*0.037:y=h*0.045:fontsize=h/15:fontcolor=white:box=1:boxcolor=0x0b1020@0.55:boxborderw=$(($1 / 60))" \
		-c:v libx264 -preset veryslow -profile:v "$4" -pix_fmt yuv420p -threads 1 \
		-b:v "$3" -maxrate "$3" -bufsize "$3" -bf 0 \
		-g $((2 * rate)) -keyint_min $((2 * rate)) -sc_threshold 0 \
		-bsf:v filter_units=remove_types=6 -an "$work/$1.mp4"
}

ffmpeg $quiet -f lavfi -i "$picture" $exact -t "$seconds" \
	-vf "$grade,$label,format=yuv420p" -c:v ffv1 -threads 1 "$work/picture.mkv"
ffmpeg $quiet -f lavfi -i "$sound" $exact -c:a aac -b:a 48k "$work/audio.mp4"
video 360 640 250k main
video 180 320 85k baseline

rm -rf fmp4 ts
mkdir fmp4 ts

ffmpeg $quiet -i "$work/360.mp4" -i "$work/180.mp4" -i "$work/audio.mp4" $exact \
	-map 0:v -map 1:v -map 2:a -c copy -f dash -seg_duration 2 -hls_playlist 1 \
	-use_template 1 -use_timeline 1 -adaptation_sets 'id=0,streams=v id=1,streams=a' \
	-init_seg_name 'init-$RepresentationID$.mp4' -media_seg_name 'seg-$RepresentationID$-$Number%02d$.m4s' \
	fmp4/manifest.mpd

# The muxer numbers the tracks and dates the segments: names read better, and the
# time of making has no place in bytes that are to be the same again.
track() { # number, name
	for file in fmp4/init-$1.mp4 fmp4/seg-$1-*.m4s; do
		mv "$file" "$(echo "$file" | sed "s/\(init\|seg\)-$1/\1-$2/")"
	done
	sed -e '/PROGRAM-DATE-TIME/d' -e "s/\(init\|seg\)-$1/\1-$2/" \
		-e 's/^#EXT-X-MEDIA-SEQUENCE.*/&\n#EXT-X-PLAYLIST-TYPE:VOD\n#EXT-X-INDEPENDENT-SEGMENTS/' \
		"fmp4/media_$1.m3u8" >"fmp4/$2.m3u8"
	rm "fmp4/media_$1.m3u8"
	sed -i "s/<Representation id=\"$1\"/<Representation id=\"$2\"/" fmp4/manifest.mpd
}
track 0 360p
track 1 180p
track 2 audio

cat >fmp4/master.m3u8 <<END
#EXTM3U
#EXT-X-VERSION:7
#EXT-X-INDEPENDENT-SEGMENTS
#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="aac",NAME="Sound",DEFAULT=YES,AUTOSELECT=YES,CHANNELS="1",URI="audio.m3u8"
#EXT-X-STREAM-INF:BANDWIDTH=340000,RESOLUTION=640x360,FRAME-RATE=25.000,CODECS="avc1.4d401f,mp4a.40.2",AUDIO="aac"
360p.m3u8
#EXT-X-STREAM-INF:BANDWIDTH=150000,RESOLUTION=320x180,FRAME-RATE=25.000,CODECS="avc1.42c015,mp4a.40.2",AUDIO="aac"
180p.m3u8
END

for height in 360 180; do
	ffmpeg $quiet -i "$work/$height.mp4" -i "$work/audio.mp4" $exact \
		-map 0:v -map 1:a -c copy -f hls -hls_time 2 -hls_playlist_type vod \
		-hls_flags independent_segments \
		-hls_segment_filename "ts/seg-${height}p-%02d.ts" "ts/${height}p.m3u8"
done

cat >ts/master.m3u8 <<END
#EXTM3U
#EXT-X-VERSION:6
#EXT-X-INDEPENDENT-SEGMENTS
#EXT-X-STREAM-INF:BANDWIDTH=400000,RESOLUTION=640x360,FRAME-RATE=25.000,CODECS="avc1.4d401f,mp4a.40.2"
360p.m3u8
#EXT-X-STREAM-INF:BANDWIDTH=190000,RESOLUTION=320x180,FRAME-RATE=25.000,CODECS="avc1.42c015,mp4a.40.2"
180p.m3u8
END
