# shellcheck shell=bash
# SPDX-License-Identifier: MIT
# Writes Docker's metadata for a tree that tree.bash wrote (format, section 10): names, configs, layer database, containers.
# The caller has made ROOT and the tree ROOT/overlay2.

# sha256 [FILE]: the hex digits.
sha256() {
	sha256sum "$@" | cut -d ' ' -f 1
}

# docker_init ROOT: the directories, with no image.
docker_init() {
	local dir=$1/image/overlay2
	mkdir -p "$dir/imagedb/content/sha256" "$dir/imagedb/metadata/sha256" "$dir/layerdb/sha256" "$dir/layerdb/mounts" \
		"$1/containers"
	echo '{"Repositories":{}}' >"$dir/repositories.json"
	chmod -R go= "$1/image" "$1/containers"
}

# docker_image ROOT NAME TOP [CONFIG]: an image of the layer TOP with all below it. CONFIG: the object "config" of its
# configuration. NAME is NAME:TAG, or "" for none. Prints its id, 64 hex digits.
docker_image() {
	local root=$1 name=$2 top=$3 config=${4-'{}'} dir=$1/image/overlay2 link layer diff chain='' diffs='' id entry
	local -a layers=("$top") links=()
	if [ -e "$root/overlay2/$top/lower" ]; then
		IFS=: read -r -a links <"$root/overlay2/$top/lower" || :
	fi
	for link in "${links[@]}"; do
		layer=$(readlink "$root/overlay2/$link")
		layer=${layer#../} layers+=("${layer%/diff}")
	done
	for ((n = ${#layers[@]} - 1; n >= 0; n--)); do
		layer=${layers[n]}
		diff=sha256:$(sha256 <<<"diff of $layer") # of a tar that nobody made
		diffs=$diffs${diffs:+,}\"$diff\"
		if [ -n "$chain" ]; then
			entry=$(printf %s "sha256:$chain $diff" | sha256)
		else
			entry=${diff#sha256:}
		fi
		if [ ! -e "$dir/layerdb/sha256/$entry" ]; then
			mkdir "$dir/layerdb/sha256/$entry"
			printf %s "$layer" >"$dir/layerdb/sha256/$entry/cache-id"
			printf %s "$diff" >"$dir/layerdb/sha256/$entry/diff"
			find "$root/overlay2/$layer/diff" ! -type d -printf '%i %s\n' | sort -u |
				awk '{ sum += $2 } END { printf "%d", sum }' >"$dir/layerdb/sha256/$entry/size"
			[ -z "$chain" ] || printf %s "sha256:$chain" >"$dir/layerdb/sha256/$entry/parent"
		fi
		chain=$entry
	done
	printf '{"architecture":"amd64","os":"linux","created":"2026-01-02T03:04:05.678Z","config":%s,"rootfs":{"type":"layers","diff_ids":[%s]}}' \
		"$config" "$diffs" >"$dir/config"
	id=$(sha256 "$dir/config")
	mv "$dir/config" "$dir/imagedb/content/sha256/$id"
	[ -z "$name" ] || docker_name "$root" "$name" "$id"
	echo "$id"
}

# docker_name ROOT NAME ID: one more name of an image; it is taken from another that has it.
docker_name() {
	local file=$1/image/overlay2/repositories.json repository=$2
	repository=${repository%%@*}
	[[ ${repository##*/} != *:* ]] || repository=${repository%:*}
	jq -c --arg r "$repository" --arg n "$2" --arg i "sha256:$3" '.Repositories[$r][$n] = $i' "$file" >"$file.new"
	mv "$file.new" "$file"
}

# docker_container ROOT NAME IMAGE_ID TOP NUMBER: a container of the image whose uppermost layer is TOP; its own layers
# are tree_id NUMBER and that with "-init". Prints its id.
docker_container() {
	local root=$1 name=$2 image=$3 top=$4 layer id
	layer=$(tree_id "$5")
	id=$(sha256 <<<"container $name")
	tree_layer "$root/overlay2" "$layer-init" "$(tree_link "$5" | tr L I)" "$top"
	tree_layer "$root/overlay2" "$layer" "$(tree_link "$5")" "$layer-init"
	mkdir "$root/image/overlay2/layerdb/mounts/$id" "$root/containers/$id"
	printf %s "$layer" >"$root/image/overlay2/layerdb/mounts/$id/mount-id"
	printf %s "$layer-init" >"$root/image/overlay2/layerdb/mounts/$id/init-id"
	printf '{"ID":"%s","Name":"/%s","Driver":"overlay2","Image":"sha256:%s","State":{"Running":false}}' "$id" "$name" \
		"$image" >"$root/containers/$id/config.v2.json"
	echo "$id"
}
