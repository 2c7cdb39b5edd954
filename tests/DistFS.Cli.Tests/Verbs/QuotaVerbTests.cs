namespace DistFS.Cli.Tests.Verbs;

/// <summary>Limits of directories.</summary>
[Collection(VerbClusterTests.Name)]
public sealed class QuotaVerbTests(VerbCluster cluster)
{
    [Fact]
    public async Task Limits_are_set_shown_and_hold()
    {
        await cluster.OkAsync("mkdir", "-p", "/quota/home/deep");
        Assert.Equal("/quota: no quota\n", (await cluster.OkAsync("quota", "show", "/quota")).Out);
        await cluster.OkAsync("quota", "set", "/quota/home", "--bytes", "1MiB", "--inodes", "4");
        await cluster.Processes.UntilAsync(TimeSpan.FromSeconds(30), async () =>
            (await ShowAsync("/quota/home/deep")).GetProperty("inodesUsed") is var used
                && used.ToString() != "2" ? $"{used} inodes are counted" : null);
        var shown = await ShowAsync("/quota/home/deep");
        Assert.Equal("/quota/home", shown.GetProperty("directory").GetString());
        Assert.Equal(1 << 20, shown.GetProperty("bytesMax").GetInt64());
        await cluster.WriteAsync("/quota/home/deep/a", "a");
        await cluster.WriteAsync("/quota/home/deep/b", "b");
        await cluster.RefusedAsync(ExitCodes.Failed, "quota exceeded", "touch", "/quota/home/c");

        // What is not named stays.
        await cluster.OkAsync("quota", "set", "/quota/home", "--inodes", "none");
        await cluster.OkAsync("touch", "/quota/home/c");
        shown = await ShowAsync("/quota/home");
        Assert.Equal(0, shown.GetProperty("inodesMax").GetInt64());
        Assert.Equal(1 << 20, shown.GetProperty("bytesMax").GetInt64());
        Assert.Contains("1 MiB", (await cluster.OkAsync("quota", "show", "/quota/home")).Out, StringComparison.Ordinal);
        await cluster.Processes.UntilAsync(TimeSpan.FromSeconds(30), async () =>
            (await cluster.RunAsync("quota", "clear", "/quota/home")) is { ExitCode: not ExitCodes.Ok } busy
                ? busy.Error : null);
        await cluster.RefusedAsync(ExitCodes.Usage, "Which limit?", "quota", "set", "/quota/home");
        await cluster.RefusedAsync(ExitCodes.Usage, "--bytes 'x' is no size", "quota", "set", "/quota", "--bytes", "x");
    }

    private async Task<System.Text.Json.JsonElement> ShowAsync(string path) =>
        (await cluster.OkAsync("quota", "show", "--json", path)).Json;
}
