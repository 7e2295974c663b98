# Completion of crosshead in fish: put it into ~/.config/fish/completions/crosshead.fish.
function __crosshead_suggest
    set -l found (crosshead '[suggest]' (commandline --current-process --cut-at-cursor | string collect) 2>/dev/null)
    if test (count $found) -gt 0
        printf '%s\n' $found
    else
        # Where there is nothing to suggest, the names of files are.
        __fish_complete_path (commandline --current-token)
    end
end
complete --command crosshead --no-files --arguments '(__crosshead_suggest)'
