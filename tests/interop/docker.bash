# shellcheck shell=bash
# SPDX-License-Identifier: MIT
# A private Docker engine, its images, and launches on its tree. Sourced by run.

docker_start() {
	mkdir "$base/docker" "$base/docker-exec"
	# The network of the machine is left alone; the control groups are made beneath a parent of ours, also
	# where systemd would make them elsewhere.
	dockerd --data-root "$base/docker" --exec-root "$base/docker-exec" --host "unix://$base/d.sock" \
		--pidfile "$base/d.pid" --storage-driver overlay2 --iptables=false --ip-forward=false \
		--bridge=none --cgroup-parent "/$cgroup" --exec-opt native.cgroupdriver=cgroupfs \
		>"$tmp/docker.log" 2>&1 &
	dockerd=$!
	export DOCKER_HOST=unix://$base/d.sock DOCKER_CONFIG=$tmp/docker-config DOCKER_BUILDKIT=0
	mkdir "$DOCKER_CONFIG"
	echo '{}' >"$DOCKER_CONFIG/config.json" # Podman looks for it, too
	within 60 docker version || die 'dockerd does not answer' "$tmp/docker.log"
	tree=$base/docker/overlay2
}

docker_stop() {
	local pid=$dockerd status=0 containers
	dockerd=
	kill -0 "$pid" || return
	mapfile -t containers < <(docker ps -aq)
	[ ${#containers[@]} = 0 ] || docker rm -f "${containers[@]}" >/dev/null
	kill "$pid"
	wait "$pid" || status=$?
	return $status
}

# docker_build NAME: from $tmp/context, which is apart from the data root, and ends here.
docker_build() {
	docker build -q --network none -t "$1" "$tmp/context" >"$tmp/build.log" 2>&1 ||
		die "cannot build $1" "$tmp/build.log"
	rm -r "$tmp/context"
}

docker_images() {
	local n

	base_root "$tmp/base"
	pack "$tmp/base" | docker import - interop:single >/dev/null

	mkdir "$tmp/context"
	added_root "$tmp/added"
	pack "$tmp/added" >"$tmp/context/added.tar"
	cat >"$tmp/context/Dockerfile" <<-END
		FROM interop:single
		RUN ["/bin/sh", "/steps/2"]
		ADD added.tar /
		RUN ["/bin/sh", "/steps/4"]
		RUN ["/bin/sh", "/steps/5"]
	END
	docker_build interop:five

	# As many layers as Docker allows. Each has a file of its own and another version of a common one; every
	# 31st deletes instead.
	mkdir -p "$tmp"/context/{2..125}
	echo 'FROM interop:single' >"$tmp/context/Dockerfile"
	for ((n = 2; n <= 125; n++)); do
		if [ $((n % 31)) = 0 ]; then
			echo "RUN rm /deep/own$((n - 2)) /deep/version" >>"$tmp/context/Dockerfile"
		else
			echo $n >"$tmp/context/$n/own$n"
			echo $n >"$tmp/context/$n/version"
			echo "COPY $n /deep/" >>"$tmp/context/Dockerfile"
		fi
	done
	docker_build interop:deep
}

# docker_cache_id IMAGE: the way a reader of Docker's files goes from an image to its uppermost layer: diff_ids,
# chain-id, layerdb, cache-id.
docker_cache_id() {
	local diff chain=''
	for diff in $(docker inspect -f '{{join .RootFS.Layers " "}}' "$1"); do
		if [ -z "$chain" ]; then
			chain=$diff
		else
			chain=$(printf '%s %s' "$chain" "$diff" | sha256sum)
			chain=sha256:${chain%% *}
		fi
	done
	cat "$base/docker/image/overlay2/layerdb/${chain/://}/cache-id"
}

# docker_stack IMAGE|CONTAINER: sets $dirs and $ids to its layers as the engine names them.
docker_stack() {
	local upper lower dir
	upper=$(docker inspect -f '{{.GraphDriver.Data.UpperDir}}' "$1")
	lower=$(docker inspect -f '{{with .GraphDriver.Data.LowerDir}}{{.}}{{end}}' "$1")
	IFS=: read -r -a dirs <<<"$upper${lower:+:$lower}"
	ids=()
	for dir in "${dirs[@]}"; do
		dir=${dir%/diff}
		ids+=("${dir##*/}")
	done
}

# without_init FILE: a container's view without the files its "-init" layer adds or replaces, and without the
# times of the two directories of the image they are in.
without_init() {
	sed -E -e '\#^/(\.dockerenv|dev/(console|pts|shm)|etc/(hosts|hostname|resolv\.conf|mtab)) #d' \
		-e '/^\/(dev|etc) /s/ mtime=[^ ]*//' "$1"
}

# docker_merged CONTAINER: where a running container's overlay is mounted.
docker_merged() {
	docker inspect -f '{{.GraphDriver.Data.MergedDir}}' "$1"
}

# docker_export FILE CONTAINER: the view of its export, unpacked.
docker_export() {
	mkdir "$tmp/export"
	docker export "$2" | tar -C "$tmp/export" --warning=no-timestamp -xp --xattrs --xattrs-include='*' --numeric-owner
	view "$1" "$tmp/export" -t
	rm -r "$tmp/export"
}

# docker_tests IMAGE DEPTH: leaves a running container of the image by its name.
docker_tests() {
	local image=$1 depth=$2 label="docker, $1 image"

	docker_stack "interop:$image"
	equal "$label: its depth is $depth" "$depth" "${#ids[@]}"
	equal "$label: the cache-id by way of the chain-id is the engine's" \
		"${ids[0]}" "$(docker_cache_id "interop:$image")"
	compare "$label"

	docker run -d -i --network none --name "$image" "interop:$image" /bin/cat >"$tmp/run.log" 2>&1 ||
		die "cannot run interop:$image" "$tmp/run.log"
	view "$tmp/docker" "$(docker_merged "$image")"
	same "$label: -r --bare: as docker run has it mounted" \
		<(without_init "$tmp/docker") <(without_init "$tmp/bare")
	docker_export "$tmp/docker" "$image"
	lister_option=-t launched "$tmp/$image.tar-view" user -r --bare "${ids[0]}"
	same "$label: -r --bare: as docker export writes it" \
		<(without_init "$tmp/docker") <(without_init "$tmp/$image.tar-view")
}

# none PATTERN: whether no line of the view has it.
none() {
	! grep -E "$1" "$tmp/view"
}

# The comparisons would also pass on images that lost what makes them worth comparing.
docker_content_test() {
	local dir pattern
	docker_stack interop:five
	for dir in "${dirs[@]}"; do
		view "$tmp/view" "$dir"
		cat "$tmp/view"
	done >"$tmp/layers"
	while read -r pattern; do
		check "docker, five image: some layer holds $pattern" grep -qE "$pattern" "$tmp/layers"
	done <<-'END'
		type=char-device.*device=0:0
		type=directory.*trusted.overlay.opaque=y
	END
	launched "$tmp/view" user -r --bare "${ids[0]}"
	while read -r pattern; do
		check "docker, five image: ovlrun -r shows $pattern" grep -qE "$pattern" "$tmp/view"
	done <<-'END'
		^/data/capable .*security.capability=
		^/data/capable.chmoded .*mode=0640.*security.capability=
		^/data/added.d/capable .*security.capability=
		^/data/setuid .*mode=4755
		^/data/chmoded .*mode=4711
		^/data/made.0000 .*mode=0000.*sha256=[0-9a-f]{64}
		^/data/made.null type=char-device.*device=1:3
		^/data/loop0 type=block-device.*device=7:0
		^/data/made.fifo type=fifo
		^/data/linked.2 .*same-as=/data/linked.2
		^/data/linked.3 .*same-as=/data/linked.1
		^/data/moved-to .*sha256=
		^/data/moved-again.d/file .*sha256=
		^/data/odd/line\\012feed .
		^/data/odd/x{255} .
		^/data/real.d .*uid=2000000000
		^/data/xattr .*trusted.note=.*user.note=
		^/data/xattr.d .*user.note=
		^/data/old .*mtime=34401906.123456789
	END
	check 'docker, five image: ovlrun -r shows nothing of what was deleted' \
		none '^/data/(gone|gone.d|moved|moved.d|moved-to.d|many.d/[0-7].|remade.d/.*|added.d/gone)[ /]'
	check 'docker, five image: everything in the view could be read' none '[ =]!'
}

# A part of a stack: what the upper two layers delete is there.
docker_part_test() {
	docker_stack interop:five
	ids=("${ids[@]:2}") dirs=("${dirs[@]:2}")
	mount_by_hand "${dirs[@]}"
	view "$tmp/hand" "$hand"
	launched "$tmp/view" user -r --bare -l "$(IFS=: && echo "${ids[*]}")"
	same 'docker, lower three of five layers: -r --bare -l: as mounted by hand' "$tmp/hand" "$tmp/view"
}

# The layer of a stopped container upon 125 of its image and the init layer: 127 in all.
docker_container_test() {
	docker create --network none --name stopped interop:deep /bin/cat >/dev/null
	docker cp "$here/steps" stopped:/deep/copied
	docker_stack stopped
	equal 'docker, container of the deep image: 127 layers' 127 "${#ids[@]}"
	mount_by_hand "${dirs[@]}"
	view "$tmp/hand" "$hand"
	launched "$tmp/view" root -r --bare "${ids[0]}"
	same 'docker, container of the deep image: -r --bare, by root: as mounted by hand' "$tmp/hand" "$tmp/view"
	docker_export "$tmp/docker" stopped
	lister_option=-t launched "$tmp/view" root -r --bare "${ids[0]}"
	same 'docker, container of the deep image: -r --bare, by root: as docker export writes it' \
		"$tmp/docker" "$tmp/view"
}

# A launch beside a running container: neither sees the other.
docker_beside_test() {
	local merged
	docker_stack interop:five
	merged=$(docker_merged five)
	view "$tmp/docker" "$merged"
	check 'docker: a launch with an upper on the layers of a running container' start user "${ids[0]}"
	check 'docker: its payload writes, deletes, renames' \
		ask 'cd /data/0700.d && echo x >x && rm file && mv sub seen'
	view "$tmp/view" "$merged"
	same 'docker: the running container sees none of it' "$tmp/docker" "$tmp/view"
	check 'docker: the container still runs commands, and writes' \
		docker exec five /bin/sh -c 'cd /data/0700.d && cat file && echo y >y'
	check 'docker: the payload sees none of it' ask 'test ! -e y'
	equal 'docker: the container runs on' true "$(docker inspect -f '{{.State.Running}}' five)"
	check 'docker: the payload ends well' finish
}

# no_process_left: whether there is none but this shell; prints the others.
no_process_left() {
	local process status=0
	for process in /proc/[0-9]*; do
		if [ "$process" != "/proc/$$" ] && [ -e "$process" ]; then
			tr '\0' ' ' <"$process/cmdline"
			status=1
		fi
	done
	return $status
}

docker_stop_test() {
	check 'docker: the engine ends when its process is told to' docker_stop
	check 'docker, podman: no process is left' within 10 no_process_left
}
