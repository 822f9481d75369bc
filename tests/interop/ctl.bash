# shellcheck shell=bash
# SPDX-License-Identifier: MIT
# What ovlctl reads from the files of an engine, compared field by field with what the engine itself says. Sourced by run.
#
# A field is one line: NAME, the filter of jq that finds it in what the engine says, and the one for ovlctl, with "<>"
# between them; a NAME alone is a path that both have. A field that may be missing or null has "?" behind its name.

ctl() {
	"$OVL_TOP/build/ovlctl" "$@"
}

# values SIDE FILE: the fields on standard input, "NAME: VALUE", from the JSON in FILE. SIDE: 1, the engine's; 2, ovlctl's.
values() {
	local line name value
	local -a part
	while read -r line; do
		name=${line%% <> *}
		part=(".${name%\?}" ".${name%\?}")
		if [[ $line == *' <> '* ]]; then
			line=${line#* <> }
			part=("${line%% <> *}" "${line##* <> }")
		fi
		value=$(jq -S "${part[$1 - 1]}" "$2") || value="jq fails: ${part[$1 - 1]}"
		[[ $value != null && $value != '' || $name == *\? ]] || value="missing, of $1"
		echo "$name: $value"
	done
}

# fields_equal NAME ENGINE_FILE CTL_FILE: one test; the fields come on standard input.
fields_equal() {
	cat >"$tmp/fields"
	check "$1" diff <(values 1 "$2" <"$tmp/fields") <(values 2 "$3" <"$tmp/fields")
}

# compare_with NAME FIELDS ENGINE... -- CTL...: what both commands print.
compare_with() {
	local name=$1 fields=$2
	local -a engine=()
	shift 2
	while [ "$1" != -- ]; do
		engine+=("$1")
		shift
	done
	shift
	"${engine[@]}" >"$tmp/engine.json" 2>"$tmp/check" || report "$name: ${engine[*]}" 1 "$tmp/check"
	ctl "$@" --json >"$tmp/ctl.json" 2>"$tmp/check" || report "$name: ovlctl $*" 1 "$tmp/check"
	fields_equal "$name" "$tmp/engine.json" "$tmp/ctl.json" < <("$fields")
}

docker_info_fields() {
	cat <<-'END'
		Driver <> .Driver <> .driver
		DockerRootDir <> .DockerRootDir <> .path
		KernelVersion <> .KernelVersion <> .kernel
		Images <> .Images <> .images
		Containers <> .Containers <> .containers
		Backing Filesystem <> .DriverStatus[] | select(.[0] == "Backing Filesystem")[1] <> .backing_filesystem
		Supports d_type <> .DriverStatus[] | select(.[0] == "Supports d_type")[1] | fromjson <> .supports_d_type
		Native Overlay Diff <> .DriverStatus[] | select(.[0] == "Native Overlay Diff")[1] | fromjson <> .native_overlay_diff
		userxattr <> .DriverStatus[] | select(.[0] == "userxattr")[1] | fromjson <> .userxattr
	END
}

# The engine's rows are one object a line: `jq -s` makes an array of them.
docker_images_fields() {
	cat <<-'END'
		names <> [.[] | select(.Tag != "<none>") | "\(.Repository):\(.Tag) \(.ID)"] | sort <> [.[] | select(.name | test("@|<none>") | not) | "\(.name) sha256:\(.id)"] | sort
		digests <> [.[] | select(.Digest != "<none>") | "\(.Repository)@\(.Digest) \(.ID)"] | unique <> [.[] | select(.name | test("@")) | "\(.name) sha256:\(.id)"] | unique
		without a name <> [.[] | select(.Tag == "<none>" and .Digest == "<none>") | .ID] | sort <> [.[] | select(.name == "<none>") | "sha256:\(.id)"] | sort
		wrong <> [] <> [.[] | select(.wrong != "")]
	END
}

docker_image_fields() {
	cat <<-'END'
		Id <> .[0].Id <> .Image
		RepoTags <> .[0].RepoTags | sort <> [.Names[] | select(test("@") | not)] | sort
		RepoDigests <> .[0].RepoDigests | sort <> [.Names[] | select(test("@"))] | sort
		Size <> .[0].Size <> .Size
		GraphDriver.Name <> .[0].GraphDriver.Name <> .GraphDriver.Name
		LowerDir? <> .[0].GraphDriver.Data.LowerDir <> .GraphDriver.Data.LowerDir
		UpperDir <> .[0].GraphDriver.Data.UpperDir <> .GraphDriver.Data.UpperDir
		WorkDir <> .[0].GraphDriver.Data.WorkDir <> .GraphDriver.Data.WorkDir
		MergedDir <> .[0].GraphDriver.Data.MergedDir <> .GraphDriver.Data.MergedDir
		every key of Data <> .[0].GraphDriver.Data | keys <> .GraphDriver.Data | keys
		RootFS <> .[0].RootFS <> .RootFS
		Wrong? <> null <> .Wrong
	END
}

docker_container_fields() {
	cat <<-'END'
		Id <> .[0].Id <> .Container
		Name <> .[0].Name[1:] <> .Names[0]
		GraphDriver.Name <> .[0].GraphDriver.Name <> .GraphDriver.Name
		GraphDriver.Data <> .[0].GraphDriver.Data | del(.ID) <> .GraphDriver.Data
	END
}

docker_ps_fields() {
	cat <<-'END'
		all <> [.[] | "\(.ID) \(.Names) \(.Image) \(.State)"] | sort <> [.[] | "\(.id) \(.name) \(.image) \(.state)"] | sort
	END
}

# Without -a Docker lists those that have processes.
docker_running_fields() {
	cat <<-'END'
		running <> [.[] | "\(.Names) \(.State)"] | sort <> [.[] | select(.state == ("running", "paused", "restarting")) | "\(.name) \(.state)"] | sort
	END
}

lines_of() {
	"$@" --format '{{json .}}' | jq -s .
}

# ctl_docker WHEN: everything that both know.
ctl_docker() {
	local label="ovlctl, docker, $1" id root=$base/docker
	compare_with "$label: info" docker_info_fields docker info --format '{{json .}}' -- info "$root"
	compare_with "$label: images" docker_images_fields lines_of docker images --no-trunc --digests -- images --root "$root"
	compare_with "$label: images -a" docker_images_fields lines_of docker images -a --no-trunc --digests -- images -a --root "$root"
	compare_with "$label: containers" docker_ps_fields lines_of docker ps -a --no-trunc -- containers --root "$root"
	compare_with "$label: containers that run" docker_running_fields lines_of docker ps --no-trunc -- containers --root "$root"
	for id in $(docker ps -aq); do
		compare_with "$label: inspect $(docker inspect -f '{{.Name}}' "$id")" docker_container_fields \
			docker inspect "$id" -- inspect --root "$root" "$id"
	done
}

# Images with names, and some of those that were only steps of a build.
ctl_docker_inspect() {
	local id
	for id in $(docker images -q | sort -u) $(docker images -aq | sort -u | head -n 5); do
		compare_with "ovlctl, docker, image $id: inspect" docker_image_fields docker image inspect "$id" -- \
			inspect --root "$base/docker" "$id"
	done
}

ctl_docker_tests() {
	docker tag interop:five registry.example.org:5000/a/b:c
	docker tag interop:five other
	ctl_docker 'before'
	ctl_docker_inspect
	docker create --network none --name ctl-made interop:five /bin/cat >/dev/null
	docker run -d -i --network none --name ctl-runs interop:deep /bin/cat >/dev/null
	docker run -d -i --network none --name ctl-base registry.example.org:5000/a/b:c /bin/cat >/dev/null
	docker run --network none --name ctl-fails interop:single /bin/sh -c 'exit 3' || :
	docker run -d -i --network none --name ctl-waits interop:single /bin/cat >/dev/null
	docker pause ctl-waits >/dev/null
	ctl_docker 'containers run'
	equal 'ovlctl, docker: of each state there is one' 'created exited paused running running' \
		"$(ctl containers --root "$base/docker" --json | jq -r '[.[].state] | sort | join(" ")')"
	docker unpause ctl-waits >/dev/null
	docker stop -t 0 ctl-runs ctl-base ctl-waits >/dev/null
	ctl_docker 'containers stopped'
	docker commit ctl-base >/dev/null
	docker rm ctl-made ctl-runs ctl-base ctl-fails ctl-waits >/dev/null
	ctl_docker 'containers removed'
}

podman_info_fields() {
	cat <<-'END'
		Driver <> .store.graphDriverName <> .driver
		GraphRoot <> .store.graphRoot <> .path
		kernel <> .host.kernel <> .kernel
		images <> .store.imageStore.number <> .images
		containers <> .store.containerStore.number <> .containers
		Backing Filesystem <> .store.graphStatus["Backing Filesystem"] <> .backing_filesystem
		Supports d_type <> .store.graphStatus["Supports d_type"] | fromjson <> .supports_d_type
		Native Overlay Diff <> .store.graphStatus["Native Overlay Diff"] | fromjson <> .native_overlay_diff
	END
}

podman_images_fields() {
	cat <<-'END'
		names <> [.[] | .Id as $i | .Names[]? | select(test("@") | not) | "\(.) \($i)"] | unique <> [.[] | select(.name | test("@|<none>") | not) | "\(.name) \(.id)"] | sort
		digests <> [.[] | .Id as $i | .RepoDigests[]? | "\(.) \($i)"] | unique <> [.[] | select(.name | test("@")) | "\(.name) \(.id)"] | sort
		without a name <> [.[] | select((.Names // []) == []) | .Id] | sort <> [.[] | select(.name == "<none>") | .id] | sort
		created <> [.[] | "\(.Id) \(.Created)"] | unique <> [.[] | "\(.id) \(.created)"] | unique
		wrong <> [] <> [.[] | select(.wrong != "")]
	END
}

podman_image_fields() {
	cat <<-'END'
		Id <> .[0].Id <> .Image | ltrimstr("sha256:")
		RepoTags <> .[0].RepoTags | sort <> [.Names[] | select(test("@") | not)] | sort
		RepoDigests <> .[0].RepoDigests | sort <> [.Names[] | select(test("@"))] | sort
		Size <> .[0].Size <> .Size
		GraphDriver.Name <> .[0].GraphDriver.Name <> .GraphDriver.Name
		GraphDriver.Data <> .[0].GraphDriver.Data <> .GraphDriver.Data
		RootFS.Layers <> .[0].RootFS.Layers <> .RootFS.Layers
		Wrong? <> null <> .Wrong
	END
}

podman_container_fields() {
	cat <<-'END'
		Id <> .[0].Id <> .Container
		Name <> .[0].Name <> .Names[0]
		GraphDriver.Name <> .[0].GraphDriver.Name <> .GraphDriver.Name
		GraphDriver.Data <> .[0].GraphDriver.Data <> .GraphDriver.Data
	END
}

podman_ps_fields() {
	cat <<-'END'
		all <> [.[] | "\(.Id) \(.Names[0]) \(.ImageID)"] | sort <> [.[] | "\(.id) \(.name) \(.image_id)"] | sort
		images <> [.[].Image] | sort <> [.[].image] | sort
	END
}

ctl_podman() {
	local label="ovlctl, podman, $1" id root=$base/podman
	compare_with "$label: info" podman_info_fields pod info --format json -- info "$root"
	compare_with "$label: images" podman_images_fields pod images --format json -- images --root "$root"
	compare_with "$label: containers" podman_ps_fields pod ps -a --format json -- containers --root "$root"
	for id in $(pod ps -aq); do
		compare_with "$label: inspect $id" podman_container_fields pod container inspect "$id" -- inspect --root "$root" "$id"
	done
}

ctl_podman_tests() {
	local id
	pod tag interop:five registry.example.org:5000/a/b:c
	ctl_podman 'before'
	for id in $(pod images -aq | sort -u); do
		compare_with "ovlctl, podman, image $id: inspect" podman_image_fields pod image inspect "$id" -- \
			inspect --root "$base/podman" "$id"
	done
	pod_new create --name ctl-made interop:deep /bin/cat >/dev/null
	ctl_podman 'a container'
	pod mount ctl-made >/dev/null
	ctl_podman 'a container mounted'
	pod rm ctl-made >/dev/null
	ctl_podman 'containers removed'
}
