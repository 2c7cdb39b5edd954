namespace DistFS.Cli.Tests.Verbs;

/// <summary>The script in a real bash, asking the real executable.</summary>
public class CompletionVerbTests
{
    [Theory]
    [InlineData("dfs vers", "dfs vers", new[] { "version" })]
    [InlineData("dfs explain DFS120", "dfs explain DFS120", new[] { "DFS1201", "DFS1202", "DFS1203" })]
    [InlineData("./dfs ping --s", "./dfs ping --s", new[] { "--size" })]
    [InlineData("dfs completion z", "dfs completion z", new[] { "zsh" })]
    [InlineData("dfs --no", "dfs --no", new[] { "--no-color" })]
    [InlineData("dfs con --json", "dfs con", new[] { "config" })]
    [InlineData("dfs nothing-like-it", "dfs nothing-like-it", new string[0])]
    public async Task Bash_completes_at_the_cursor(string line, string untilCursor, string[] expected)
    {
        var words = line.Split(' ');
        var index = untilCursor.Split(' ').Length - 1;
        var script = "source <(dfs completion bash) && complete -p dfs >/dev/null || exit 9\n"
            + $"COMP_LINE='{line}' COMP_POINT={untilCursor.Length} COMP_CWORD={index}\n"
            + $"COMP_WORDS=({string.Join(' ', words.Select(word => $"'{word}'"))})\n"
            + "_dfs_complete\n"
            + "((${#COMPREPLY[@]} == 0)) || printf '%s\\n' \"${COMPREPLY[@]}\"\n";
        using var bash = DfsProcess.Start("bash", "-c", script);
        var result = await DfsProcess.EndAsync(bash);
        Assert.Equal("", result.Error);
        Assert.Equal(0, result.ExitCode);
        Assert.Subset(result.Out.Split('\n').ToHashSet(), expected.ToHashSet());
        Assert.All(result.Out.Split('\n', StringSplitOptions.RemoveEmptyEntries), candidate =>
            Assert.StartsWith(untilCursor.Split(' ')[^1], candidate, StringComparison.Ordinal));
        Assert.True(expected.Length > 0 || result.Out.Length == 0);
    }

    [Theory]
    [InlineData("bash", "complete -o bashdefault")]
    [InlineData("zsh", "compdef _dfs dfs")]
    [InlineData("fish", "complete --command dfs")]
    [InlineData("pwsh", "Register-ArgumentCompleter -Native -CommandName dfs")]
    public async Task There_is_a_script_for_every_shell(string shell, string text)
    {
        var result = await new Cli().RunAsync("completion", shell);
        Assert.Equal(ExitCodes.Ok, result.ExitCode);
        Assert.Contains(text, result.Out, StringComparison.Ordinal);
        Assert.Contains("[suggest:", result.Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Another_shell_is_refused()
    {
        var result = await new Cli().RunAsync("completion", "tcsh");
        Assert.Equal(ExitCodes.Usage, result.ExitCode);
        Assert.Contains("bash", result.Error, StringComparison.Ordinal);
    }
}
