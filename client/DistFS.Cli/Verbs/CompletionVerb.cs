using System.CommandLine;

namespace DistFS.Cli.Verbs;

/// <summary>
/// <c>dfs completion</c>: a script that lets a shell complete verbs and options. The script asks <c>dfs</c> itself, by
/// System.CommandLine's directive <c>[suggest:POSITION]</c>, so it never has to be made again.
/// </summary>
internal sealed class CompletionVerb : Verb
{
    // The directive expects "dfs", where the user may have typed a path of it, and it completes at the end of the line
    // only: each script asks about the line up to the cursor. Without candidates bash completes file names.
    private const string Bash = """
        # dfs completion for bash. Now: source <(dfs completion bash)
        # Always: dfs completion bash > ~/.local/share/bash-completion/completions/dfs
        _dfs_complete() {
            local program="${COMP_WORDS[0]}" word="${COMP_WORDS[COMP_CWORD]}" candidates
            local line="${COMP_LINE:0:COMP_POINT}"
            line="dfs${line#"$program"}"
            candidates="$("$program" "[suggest:${#line}]" "$line" 2>/dev/null)"
            local IFS=$'\n'
            COMPREPLY=($(compgen -W "$candidates" -- "$word"))
        }
        complete -o bashdefault -o default -F _dfs_complete dfs

        """;

    private const string Zsh = """
        #compdef dfs
        # dfs completion for zsh. Now: source <(dfs completion zsh)
        # Always: dfs completion zsh > a folder of $fpath, as _dfs
        _dfs() {
            local line="dfs ${(j: :)words[2,CURRENT-1]} $PREFIX"
            local -a candidates
            candidates=("${(@f)$("${words[1]}" "[suggest:${#line}]" "$line" 2>/dev/null)}")
            candidates=(${candidates:#})
            if (( ${#candidates} )); then compadd -a candidates; else _files; fi
        }
        if [ "${funcstack[1]}" = "_dfs" ]; then _dfs "$@"; else compdef _dfs dfs; fi

        """;

    private const string Fish = """
        # dfs completion for fish. Now: dfs completion fish | source
        # Always: dfs completion fish > ~/.config/fish/completions/dfs.fish
        function __dfs_complete
            set -l tokens (commandline --tokenize --current-process --cut-at-cursor)
            set -l before (commandline --current-process --cut-at-cursor)
            set -l line "dfs"(string sub --start (math (string length -- $tokens[1]) + 1) -- $before)
            $tokens[1] "[suggest:"(string length -- $line)"]" $line 2>/dev/null
        end
        complete --command dfs --arguments '(__dfs_complete)'

        """;

    private const string PowerShell = """
        # dfs completion for PowerShell. Now: dfs completion pwsh | Out-String | Invoke-Expression
        # Always: add that line to $PROFILE
        Register-ArgumentCompleter -Native -CommandName dfs -ScriptBlock {
            param($wordToComplete, $commandAst, $cursorPosition)
            $program = $commandAst.CommandElements[0].Extent.Text
            $text = $commandAst.Extent.Text.PadRight($cursorPosition - $commandAst.Extent.StartOffset)
            $text = $text.Substring(0, $cursorPosition - $commandAst.Extent.StartOffset)
            $line = 'dfs' + $text.Substring($program.Length)
            & $program "[suggest:$($line.Length)]" $line 2>$null | ForEach-Object {
                [System.Management.Automation.CompletionResult]::new($_, $_, 'ParameterValue', $_)
            }
        }

        """;

    private readonly Argument<string> _shell = new("shell") { Description = "bash, zsh, fish or pwsh" };

    public override string Summary => "Print a script that completes verbs and options in a shell";

    public override VerbGroup Group => VerbGroup.Tool;

    public override IReadOnlyList<Example> Examples =>
    [
        new("source <(dfs completion bash)", "complete in this bash from now on"),
        new("dfs completion bash > ~/.local/share/bash-completion/completions/dfs", "complete in every bash"),
        new("dfs completion fish > ~/.config/fish/completions/dfs.fish", "complete in every fish"),
    ];

    public override void Configure(Command command)
    {
        ArgumentNullException.ThrowIfNull(command);
        _shell.AcceptOnlyFromAmong("bash", "zsh", "fish", "pwsh");
        command.Arguments.Add(_shell);
    }

    public override Task<int> RunAsync(VerbContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        context.Host.Out.Write(context.Get(_shell) switch
        {
            "bash" => Bash,
            "zsh" => Zsh,
            "fish" => Fish,
            _ => PowerShell,
        });
        return Task.FromResult(ExitCodes.Ok);
    }
}
