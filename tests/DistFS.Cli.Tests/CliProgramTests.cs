namespace DistFS.Cli.Tests;

public class CliProgramTests
{
    public static TheoryData<string> Verbs => VerbCatalogTests.Verbs;

    [Theory]
    [InlineData("--help")]
    [InlineData("-h")]
    [InlineData("help")]
    public async Task Help_lists_every_verb(string word)
    {
        var result = await new Cli().RunAsync(word);
        Assert.Equal(ExitCodes.Ok, result.ExitCode);
        Assert.All(
            VerbCatalog.Default.All(), verb => Assert.Matches($"(?m)^  {verb.Name} +{verb.Summary[..20]}", result.Out));
        Assert.Contains("Examples:", result.Out, StringComparison.Ordinal);
        Assert.Empty(result.Error);
    }

    [Fact]
    public async Task Without_a_verb_help_is_an_error()
    {
        var result = await new Cli().RunAsync();
        Assert.Equal(ExitCodes.Usage, result.ExitCode);
        Assert.Empty(result.Out);
        Assert.Contains("dfs VERB", result.Error, StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Verbs))]
    public async Task Help_of_a_verb_ends_with_its_examples(string name)
    {
        var examples = VerbCatalog.Default.Find(name)!.Examples;
        var result = await new Cli().RunAsync(name, "--help");
        Assert.Equal(ExitCodes.Ok, result.ExitCode);
        Assert.StartsWith($"dfs {name}: ", result.Out, StringComparison.Ordinal);
        var atEnd = result.Out[result.Out.IndexOf("\nExamples:\n", StringComparison.Ordinal)..];
        Assert.All(examples, example => Assert.Contains($"\n  {example.Command}\n", atEnd, StringComparison.Ordinal));
        Assert.Equal(result, await new Cli().RunAsync("help", name));
    }

    [Fact]
    public async Task Help_of_a_subcommand_shows_its_path_and_arguments()
    {
        var verb = await Cli.WithSamples.RunAsync("two-words", "--help");
        Assert.Contains("  dfs two-words COMMAND [OPTIONS]", verb.Out, StringComparison.Ordinal);
        Assert.Contains("  start  Start it", verb.Out, StringComparison.Ordinal);
        var start = await Cli.WithSamples.RunAsync("two-words", "start", "--help");
        Assert.Contains("  dfs two-words start [WORDS...] [OPTIONS]", start.Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Help_fits_the_terminal()
    {
        var result = await new Cli { Width = 60 }.RunAsync("doctor", "--help");
        var text = result.Out[..result.Out.IndexOf("Examples:", StringComparison.Ordinal)];
        Assert.All(text.Split('\n'), line => Assert.InRange(line.Length, 0, 60));
    }

    [Theory]
    [InlineData("'pign' is no verb. Did you mean 'ping'?", "pign")]
    [InlineData("'expl' is no verb. Did you mean 'explain'?", "expl", "DFS1203")]
    [InlineData("'zzzzzz' is no verb. 'dfs --help'", "zzzzzz")]
    [InlineData("'--jsno' is no option. Did you mean '--json'?", "--jsno")]
    [InlineData("'--cuont' is no option of 'ping'. Did you mean '--count'?", "ping", "--cuont", "3", "localhost:1")]
    [InlineData("'--al' is no option of 'explain'. Did you mean '--all'?", "explain", "--al")]
    [InlineData("'extra' is an argument too many for 'version'.", "version", "extra")]
    [InlineData("'nowhere' is no address; write host:port", "ping", "nowhere")]
    [InlineData("--count '0' must be a whole number from 1", "ping", "localhost:1", "--count", "0")]
    [InlineData("--count '-5' must be a whole number from 1", "ping", "localhost:1", "--count", "-5")]
    [InlineData("'5MiB' is no size up to 4 MiB", "ping", "localhost:1", "--size", "5MiB")]
    [InlineData("'--timeout'", "ping", "localhost:1", "--timeout")]
    [InlineData("'purple' is an argument too many", "ping", "localhost:1", "--no-color=purple")]
    [InlineData("Give either one code or --all.", "explain")]
    [InlineData("Give either one code or --all.", "explain", "DFS1203", "--all")]
    public async Task Mistakes_of_usage_say_what_was_meant(string message, params string[] args)
    {
        var result = await new Cli().RunAsync(args);
        Assert.Equal(ExitCodes.Usage, result.ExitCode);
        Assert.StartsWith("dfs: DFS1001: ", result.Error, StringComparison.Ordinal);
        Assert.Contains(message, result.Error, StringComparison.Ordinal);
        Assert.EndsWith("\nsee 'dfs explain DFS1001'\n", result.Error, StringComparison.Ordinal);
        Assert.Empty(result.Out);
    }

    [Fact]
    public async Task A_name_with_a_dash_goes_after_two_dashes()
    {
        var refused = await Cli.WithSamples.RunAsync("two-words", "start", "-x");
        Assert.Equal(ExitCodes.Usage, refused.ExitCode);
        var taken = await Cli.WithSamples.RunAsync("two-words", "start", "-", "@a", "--", "-x", "--json");
        Assert.Equal(ExitCodes.Ok, taken.ExitCode);
        Assert.StartsWith("start - @a -x --json\n", taken.Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Global_options_stand_before_or_after_the_verb()
    {
        var before = await new Cli().RunAsync("--timeout", "3s", "--json", "config");
        var after = await new Cli().RunAsync("config", "--timeout=3s", "--json");
        Assert.Equal(before, after);
        Assert.Contains("3s", before.Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_error_is_one_line_and_a_hint()
    {
        var result = await Cli.WithSamples.RunAsync("fail", "DFS1204");
        Assert.Equal(ExitCodes.Unavailable, result.ExitCode);
        Assert.Equal("dfs: DFS1204: It failed. With a  [31msecond line.\nsee 'dfs explain DFS1204'\n", result.Error);
        Assert.Empty(result.Out);
    }

    [Fact]
    public async Task An_error_as_json_is_one_object_on_stderr()
    {
        var result = await Cli.WithSamples.RunAsync("fail", "DFS1203", "--json");
        Assert.Equal(ExitCodes.Deadline, result.ExitCode);
        Assert.Empty(result.Out);
        Assert.Equal("DFS1203", result.JsonError.GetProperty("code").GetString());
        Assert.Equal("ETIMEDOUT", result.JsonError.GetProperty("status").GetString());
        Assert.StartsWith("It failed.", result.JsonError.GetProperty("message").GetString(), StringComparison.Ordinal);
        Assert.False(result.JsonError.TryGetProperty("stack", out _));
    }

    [Fact]
    public async Task An_unexpected_error_is_DFS1000_and_its_stack_is_for_those_who_ask()
    {
        var plain = await Cli.WithSamples.RunAsync("fail", "x");
        Assert.Equal(ExitCodes.Failed, plain.ExitCode);
        Assert.Equal(
            "dfs: DFS1000: InvalidOperationException: Nobody thought of it.\nsee 'dfs explain DFS1000'\n", plain.Error);
        var verbose = await Cli.WithSamples.RunAsync("fail", "x", "--verbose");
        Assert.Contains(
            "   at DistFS.Cli.Tests.SampleVerbs.FailVerb.RunAsync", verbose.Error, StringComparison.Ordinal);
        var debug = Cli.WithSamples with { Environment = new() { ["DISTFS_DEBUG"] = "1" } };
        Assert.Equal(verbose, await debug.RunAsync("fail", "x"));
        var json = await Cli.WithSamples.RunAsync("fail", "x", "--verbose", "--json");
        Assert.Contains("FailVerb.RunAsync", json.JsonError.GetProperty("stack").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Interrupted_is_130()
    {
        using var interrupt = new CancellationTokenSource();
        var run = (Cli.WithSamples with { Interrupted = interrupt.Token }).RunAsync("wait");
        Assert.False(run.IsCompleted);
        await interrupt.CancelAsync();
        var result = await run;
        Assert.Equal(130, result.ExitCode);
        Assert.StartsWith("dfs: DFS1004: Interrupted.", result.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(true, "", "", true)]
    [InlineData(false, "", "", false)]
    [InlineData(true, "NO_COLOR", "1", false)]
    [InlineData(true, "DISTFS_COLOR", "never", false)]
    [InlineData(false, "DISTFS_COLOR", "always", true)]
    [InlineData(true, "TERM", "dumb", false)]
    public async Task Colours_are_for_terminals_that_want_them(
        bool terminal, string variable, string value, bool colored)
    {
        var cli = Cli.WithSamples with { Terminal = terminal, Environment = new() { [variable] = value } };
        var result = await cli.RunAsync("two-words", "start");
        Assert.Equal(colored, result.Out.Contains('\e', StringComparison.Ordinal));
        Assert.Contains("colour", result.Out, StringComparison.Ordinal);
        Assert.Equal(terminal ? "a note\n" : "", result.Error);
        var error = await cli.RunAsync("fail", "DFS1204");
        Assert.Equal(colored, error.Error.Contains("\e[31mDFS1204\e[0m", StringComparison.Ordinal));
        Assert.DoesNotContain('\e', (await cli.RunAsync("two-words", "start", "--no-color")).Out);
    }

    [Fact]
    public async Task Every_run_of_help_is_as_good_as_the_first()
    {
        // The tree of commands is made anew: nothing of a run stays for the next.
        var first = await new Cli().RunAsync("ping", "--help");
        Assert.Equal(first, await new Cli().RunAsync("ping", "--help"));
    }
}
