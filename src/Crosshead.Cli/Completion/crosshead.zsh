#compdef crosshead
# Completion of crosshead in zsh: put it as _crosshead into a folder of $fpath, or source it in ~/.zshrc after compinit.
_crosshead() {
    local -a found
    found=(${(f)"$(crosshead '[suggest]' "${(j: :)words[1,CURRENT-1]} $PREFIX" 2>/dev/null)"})
    # Where there is nothing to suggest, the names of files are.
    if (( $#found )); then compadd -a found; else _files; fi
}
# As a file of $fpath this is the function itself; sourced, it only registers it.
if [[ $funcstack[1] == _crosshead ]]; then _crosshead "$@"; else compdef _crosshead crosshead; fi
