# Sourced by .ci/run and .ci/full: steps with progress lines, and one count over all of them.
#
# A tests step must close with `N passed, N failed`, or it counts as one failure: tests that did not run have not passed.
# A command step counts as one, passed or failed by its exit code. A setup step counts only when it fails.

passed=0 failed=0 skipped=0
started=$SECONDS
step_result='' step_seconds=0
step_log=$(mktemp)
# On a machine that nobody watches, a step that hangs ends in time for the rest to be counted.
guard=()
if [ "${CI:-}" = true ]; then guard=(timeout --kill-after=30 "${STEP_SECONDS_MAX:-2400}"); fi

say() { printf '[%4d s] %s\n' "$((SECONDS - started))" "$*"; }

# step KIND NAME COMMAND...   KIND: setup, tests or command. Returns non-zero when the step failed.
step() {
  local kind=$1 name=$2 from=$SECONDS code=0 line=''
  shift 2
  say "$name: $*"
  "${guard[@]}" "$@" </dev/null 2>&1 | tee "$step_log" || code=$?
  step_seconds=$((SECONDS - from))

  local ok=0 bad=0 left=0
  if [ "$kind" = tests ]; then
    line=$(grep -aE '^[0-9]+ passed, [0-9]+ failed(, [0-9]+ skipped)?$' "$step_log" | tail -n 1 || true)
    if [ -n "$line" ]; then
      read -r ok bad left < <(sed -E 's/^([0-9]+) passed, ([0-9]+) failed(, ([0-9]+) skipped)?$/\1 \2 \4/' <<<"$line") || true
      left=${left:-0}
    fi
    if [ "$ok" -eq 0 ] && [ "$bad" -eq 0 ]; then bad=1; fi
  elif [ "$kind" = command ] && [ "$code" -eq 0 ]; then
    ok=1
  fi
  if [ "$code" -ne 0 ] && [ "$bad" -eq 0 ]; then bad=1; fi

  passed=$((passed + ok)) failed=$((failed + bad)) skipped=$((skipped + left))
  step_result="$ok passed, $bad failed"
  if [ "$left" -gt 0 ]; then step_result+=", $left skipped"; fi
  say "$name: exit code $code after $step_seconds s, $step_result"
  [ "$bad" -eq 0 ]
}

# The last line of all, whatever happened before; the exit code is zero only when nothing failed.
finish() {
  local code=$?
  rm -f "$step_log"
  if [ "$failed" -eq 0 ] && { [ "$code" -ne 0 ] || [ "$passed" -eq 0 ]; }; then failed=1; fi
  local line="$passed passed, $failed failed"
  if [ "$skipped" -gt 0 ]; then line+=", $skipped skipped"; fi
  printf '%s\n' "$line"
  if [ "$failed" -gt 0 ] && [ "$code" -eq 0 ]; then code=1; fi
  exit "$code"
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
