# shellcheck shell=bash
# SPDX-License-Identifier: MIT
# Images that have a digest of a registry, which is on the loopback device, as both engines and ovlctl see them. Sourced by run.

# registry_start: sets $registry to localhost:PORT, a free one.
registry_start() {
	mkdir "$base/registry"
	cat >"$tmp/registry.yml" <<-END
		version: 0.1
		log: {level: info}
		storage: {filesystem: {rootdirectory: $base/registry}}
		http: {addr: "127.0.0.1:0"}
	END
	"$(command -v docker-registry || command -v registry)" serve "$tmp/registry.yml" >"$tmp/registry.log" 2>&1 &
	registry_pid=$!
	within 30 grep -q 'listening on' "$tmp/registry.log" || die 'the registry does not answer' "$tmp/registry.log"
	registry=localhost:$(sed -n 's/.*listening on [^:]*:\([0-9]*\).*/\1/p' "$tmp/registry.log")
}

registry_stop() {
	kill "$registry_pid"
	wait "$registry_pid" || :
}

# pushed IMAGE NAME: pushes it to the registry under this name, and forgets that; $digest is what the registry calls it.
pushed() {
	docker tag "$1" "$registry/$2"
	docker push -q "$registry/$2" >"$tmp/push.log" 2>&1 || die "cannot push $2" "$tmp/push.log"
	digest=$(docker image inspect "$registry/$2" | jq -r --arg name "$registry/${2%:*}@" \
		'.[0].RepoDigests[] | select(startswith($name)) | ltrimstr($name)')
	docker rmi "$registry/$2" >/dev/null
}

# ctl_by_digest ENGINE FIELDS COMMAND...: COMMAND NAME is the engine's inspect; of images by digest, by tag and by both.
ctl_by_digest() {
	local engine=$1 fields=$2 name
	shift 2
	for name in "a/five@$digest_five" "only@$digest_only" both:2 "both@$digest_five"; do
		compare_with "ovlctl, $engine: inspect by digest or tag: ${name/@*/@}" "$fields" "$@" "$registry/$name" -- \
			inspect --root "$base/$engine" "$registry/$name"
		equal "ovlctl, $engine: it has a digest of the registry: ${name/@*/@}" true \
			"$(jq --arg name "$registry/${name%[:@]*}" '[.Names[] | select(startswith($name) and test("@sha256:"))] | length > 0' "$tmp/ctl.json")"
	done
}

ctl_docker_registry_tests() {
	local digest
	registry_start
	docker create --network none --name registry-only interop:single /bin/true >/dev/null
	docker commit -m 'known by its digest only' registry-only registry-only >/dev/null
	docker rm registry-only >/dev/null
	pushed interop:five a/five:1
	digest_five=$digest
	pushed interop:five both:2
	pushed registry-only only:1
	digest_only=$digest
	docker rmi registry-only >/dev/null
	docker pull -q "$registry/a/five@$digest_five" >/dev/null
	docker pull -q "$registry/only@$digest_only" >/dev/null
	docker pull -q "$registry/both:2" >/dev/null
	ctl_docker 'pulled by digest'
	ctl_by_digest docker docker_image_fields docker image inspect
	docker rmi "$registry/a/five@$digest_five" "$registry/only@$digest_only" "$registry/both:2" >/dev/null
}

ctl_podman_registry_tests() {
	pod pull -q --tls-verify=false "$registry/a/five@$digest_five" >/dev/null
	pod pull -q --tls-verify=false "$registry/only@$digest_only" >/dev/null
	pod pull -q --tls-verify=false "$registry/both:2" >/dev/null
	ctl_podman 'pulled by digest'
	ctl_by_digest podman podman_image_fields pod image inspect
	pod rmi "$registry/a/five@$digest_five" "$registry/only@$digest_only" "$registry/both:2" >/dev/null
	registry_stop
}
