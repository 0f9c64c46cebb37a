#!/bin/bash
# Reads what pip says and repeats of it what a person needs: a line every $1 seconds with what is being done, and whatever
# is no ordinary progress. Seconds count from $2, in seconds since 1970.
every=${1:-10}
SECONDS=$(($(date +%s) - ${2:-$(date +%s)}))
said=$SECONDS count=0 doing="starting pip"
say() { echo "[setup] $1, $SECONDS s"; said=$SECONDS; }
while true; do
    if IFS= read -r -t 1 line; then
        case "$line" in
            "Collecting "*) count=$((count + 1)); name=${line#Collecting }; doing="fetched $count packages, now ${name%% *}" ;;
            "Installing collected packages: "*)
                names=${line#*: }; commas=${names//[!,]/}
                [ -n "$commas" ] && say "installing $((${#commas} + 1)) packages"
                doing="still installing packages" ;;
            "Building "* | "Preparing "* | "Getting requirements"* | "Obtaining "* | "Checking if"*) doing=${line%% (*} ;;
            "Successfully "* | "Requirement already"* | "Looking in "* | "Using cached "* | "Ignoring "*) ;;
            " "* | "") ;;
            *) echo "$line" ;;
        esac
    elif [ $? -le 128 ]; then
        # The end, and not a second without a word.
        break
    fi
    [ $((SECONDS - said)) -ge "$every" ] && say "$doing"
done
exit 0
