namespace DistFS.Cli.Tests.Verbs;

/// <summary>What is below directories.</summary>
[Collection(VerbClusterTests.Name)]
public sealed class FindVerbTests(VerbCluster cluster)
{
    [Fact]
    public async Task What_fits_all_that_is_asked_is_found()
    {
        await cluster.OkAsync("mkdir", "-p", "/find/a/b");
        await cluster.WriteAsync("/find/a/small.txt", "x");
        await cluster.WriteAsync("/find/a/b/large.txt", new string('x', 5000));
        await cluster.WriteAsync("/find/a/b/.hidden.txt", "");
        await cluster.OkAsync("ln", "-s", "a", "/find/link");
        await cluster.OkAsync("touch", "-d", "@1000", "/find/a/small.txt");
        await FindsAsync(
            "/find /find/a /find/a/b /find/a/b/.hidden.txt /find/a/b/large.txt /find/a/small.txt /find/link");
        await FindsAsync("/find/a/b/.hidden.txt /find/a/b/large.txt /find/a/small.txt", "-name", "*.txt");
        await FindsAsync("/find/a/b/large.txt", "-name", "*.txt", "-size", "+1KiB");
        await FindsAsync("/find/a/small.txt", "-size", "1");
        await FindsAsync("/find /find/a /find/link", "-type", "d,l", "-maxdepth", "1");
        await FindsAsync("/find/a/b /find/a/small.txt", "-mindepth", "2", "-maxdepth", "2");
        await FindsAsync("/find/a/small.txt", "-mtime", "+7");
        await FindsAsync("/find/a/b/.hidden.txt", "-empty", "-mtime", "-1");
        await FindsAsync("/find/a/b/.hidden.txt /find/a/b/large.txt", "-type", "f", "-newer", "/find/a/small.txt");
        await FindsAsync("/find/a/small.txt", "-mtime", "+12h");
        Assert.Equal(
            "/find/a/small.txt\0", (await cluster.OkAsync("find", "/find", "-name", "sm*", "-print0")).Out);
        Assert.Equal("File", (await cluster.OkAsync("find", "/find", "-name", "sm*", "--json")).Json
            .GetProperty("kind").GetString());
        await cluster.RefusedAsync(ExitCodes.Usage, "-type 'x' is none of", "find", "/find", "-type", "x");
        await cluster.RefusedAsync(ExitCodes.Usage, "-size 'x' is no size", "find", "/find", "-size", "x");
        await cluster.RefusedAsync(ExitCodes.Usage, "-mtime '5h' is no age", "find", "/find", "-mtime", "5h");
        await cluster.RefusedAsync(ExitCodes.NotFound, "no such file", "find", "/find/none");
    }

    private async Task FindsAsync(string paths, params string[] tests)
    {
        var found = await cluster.OkAsync(["find", "/find", .. tests]);
        Assert.Equal(paths.Replace(' ', '\n') + "\n", found.Out);
    }
}
