namespace DistFS.Cli.Tests.Verbs;

public class SimVerbTests
{
    [Theory]
    [InlineData("registers")]
    [InlineData("metadata")]
    [InlineData("chunks")]
    public async Task One_world_gives_the_same_trace_twice(string machine)
    {
        var first = await new Cli().RunAsync("sim", "--machine", machine, "--seed", "7", "--json");
        Assert.Equal(ExitCodes.Ok, first.ExitCode);
        var hash = first.Json.GetProperty("traceHash").GetString();
        Assert.Matches("^[0-9a-f]{16}$", hash);
        var again = await new Cli().RunAsync("sim", "--machine", machine, "--seed", "7", "--json");
        Assert.Equal(hash, again.Json.GetProperty("traceHash").GetString());
        Assert.NotEqual(hash,
            (await new Cli().RunAsync("sim", "--machine", machine, "--seed", "8", "--json"))
                .Json.GetProperty("traceHash").GetString());
    }

    [Fact]
    public async Task Many_worlds_are_summed_up()
    {
        var result = await new Cli().RunAsync("sim", "--seeds", "3", "--threads", "2");
        Assert.Equal(ExitCodes.Ok, result.ExitCode);

        // Three of each machine.
        Assert.Matches(@"(?m)^worlds +9$", result.Out);
        Assert.Matches(@"(?m)^commits +[1-9][\d,]*$", result.Out);
        Assert.EndsWith("passed\n", result.Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_soak_ends_when_its_time_is_over()
    {
        var result = await new Cli().RunAsync("sim", "--soak", "500ms", "--json");
        Assert.Equal(ExitCodes.Ok, result.ExitCode);
        Assert.InRange(result.Json.GetProperty("seeds").GetInt32(), 1, int.MaxValue);
    }

    [Fact]
    public async Task A_planted_bug_is_found_and_the_command_repeats_it()
    {
        var result = await new Cli().RunAsync(
            "sim", "--seeds", "2000", "--planted", "SessionDedupSkipped", "--json");
        Assert.Equal(ExitCodes.Ok, result.ExitCode);
        var command = result.Json.GetProperty("failures").EnumerateArray().First().GetProperty("command").GetString()!;
        Assert.Matches("^dfs sim --machine registers --seed [0-9]+ --planted SessionDedupSkipped$", command);
        var again = await new Cli().RunAsync([.. command.Split(' ').Skip(1), "--json"]);
        Assert.Equal(1, again.Json.GetProperty("failures").GetArrayLength());
    }

    [Fact]
    public async Task The_trace_of_one_world_is_shown() =>
        Assert.True((await new Cli().RunAsync("sim", "--seed", "7", "--trace")).Out.Count(c => c == '\n') > 100);

    [Theory]
    [InlineData("--planted", "NoSuchBug")]
    [InlineData("--soak", "long")]
    [InlineData("--seeds", "0")]
    [InlineData("--seed", "-1")]
    public async Task Wrong_options_are_refused(params string[] options) =>
        Assert.Equal(ExitCodes.Usage, (await new Cli().RunAsync(["sim", .. options])).ExitCode);
}
