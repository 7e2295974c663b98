# Completion of crosshead in bash: put it into ~/.local/share/bash-completion/completions/crosshead,
# or source it in ~/.bashrc.
_crosshead() {
    local IFS=$'\n'
    COMPREPLY=($(crosshead "[suggest:$COMP_POINT]" "$COMP_LINE" 2>/dev/null))
}
# Where there is nothing to suggest, the names of files are.
complete -o bashdefault -o default -F _crosshead crosshead
