# shellcheck shell=bash
# SPDX-License-Identifier: MIT
# Docker's images in a private storage of Podman's, and launches on its tree. Sourced by run.

pod() {
	podman --root "$base/podman" --runroot "$base/podman-run" --storage-driver overlay \
		--cgroup-manager cgroupfs --runtime runc --events-backend none "$@"
}

# pod_new create|run ARG...: a container; its control groups are made beneath our parent.
pod_new() {
	pod "$1" --cgroup-parent "/$cgroup" --pull never "${@:2}"
}

# podman_stop: no container is left, however the run ends.
podman_stop() {
	pod rm --all --force --time 0 >/dev/null
}

podman_load() {
	mkdir "$base/podman" "$base/podman-run"
	docker save interop:single interop:five interop:deep >"$tmp/images.tar"
	pod load -q -i "$tmp/images.tar" >"$tmp/build.log" 2>&1 ||
		die 'podman cannot load the images' "$tmp/build.log"
	rm "$tmp/images.tar"
	tree=$base/podman/overlay
}

# podman_layer IMAGE: the name of an image's uppermost layer, from its diff_ids.
podman_layer() {
	local diff layer=''
	for diff in $(pod image inspect --format '{{range .RootFS.Layers}}{{.}} {{end}}' "$1"); do
		diff=${diff#sha256:}
		if [ -z "$layer" ]; then
			layer=$diff
		else
			layer=$(printf '%s+%s' "$layer" "$diff" | sha256sum)
			layer=${layer%% *}
		fi
	done
	echo "$layer"
}

# podman_stack image|container NAME: sets $dirs and $ids.
podman_stack() {
	local upper lower dir
	upper=$(pod "$1" inspect --format '{{.GraphDriver.Data.UpperDir}}' "$2")
	lower=$(pod "$1" inspect --format '{{with .GraphDriver.Data.LowerDir}}{{.}}{{end}}' "$2")
	IFS=: read -r -a dirs <<<"$upper${lower:+:$lower}"
	ids=()
	for dir in "${dirs[@]}"; do
		dir=${dir%/diff}
		ids+=("${dir##*/}")
	done
}

podman_tests() {
	local image=$1 depth=$2 label="podman, $1 image"

	podman_stack image "interop:$image"
	equal "$label: its depth is $depth" "$depth" "${#ids[@]}"
	equal "$label: the uppermost layer is the one its diff_ids name" \
		"${ids[0]}" "$(podman_layer "interop:$image")"
	compare "$label"

	view "$tmp/podman" "$(pod image mount "interop:$image")"
	same "$label: -r --bare: as podman image mount shows it" "$tmp/podman" "$tmp/bare"
	pod image unmount "interop:$image" >/dev/null

	# Podman gives "/" mode 0555, Docker 0755: no archive of a layer says what it was.
	lister_option=-t launched "$tmp/view" user -r --bare "${ids[0]}"
	same "$label: -r --bare: as on Docker's tree" <(sed 1d "$tmp/$image.tar-view") <(sed 1d "$tmp/view")
}

# A container's layer, by root, as Podman mounts it.
podman_container_test() {
	pod_new create --name made interop:deep /bin/cat >/dev/null
	podman_stack container made
	view "$tmp/podman" "$(pod mount made)"
	pod unmount made >/dev/null
	launched "$tmp/view" root -r --bare "${ids[0]}"
	same 'podman, container of the deep image: -r --bare, by root: as podman mount shows it' \
		"$tmp/podman" "$tmp/view"
}
