namespace DistFS.Cli.Tests.Verbs;

/// <summary>Directories as a picture.</summary>
[Collection(VerbClusterTests.Name)]
public sealed class TreeVerbTests(VerbCluster cluster)
{
    [Fact]
    public async Task Directories_are_drawn()
    {
        await cluster.OkAsync("mkdir", "-p", "/draw/a/deep/er", "/draw/b", "/draw/.hidden/in");
        await cluster.WriteAsync("/draw/a/file", "");
        await cluster.WriteAsync("/draw/z", "");
        Assert.Equal(
            """
            /draw
            ├── a
            │   ├── deep
            │   │   └── er
            │   └── file
            ├── b
            └── z

            4 directories, 2 files

            """,
            (await cluster.OkAsync("tree", "/draw")).Out);
        Assert.Equal(
            "/draw\n├── a\n├── b\n└── z\n\n2 directories, 1 files\n",
            (await cluster.OkAsync("tree", "-L", "1", "/draw")).Out);
        Assert.Equal(
            "/draw\n├── .hidden\n├── a\n└── b\n\n3 directories, 0 files\n",
            (await cluster.OkAsync("tree", "-a", "-d", "-L", "1", "/draw")).Out);
        var document = (await cluster.OkAsync("tree", "--json", "/draw")).Json;
        Assert.Equal(7, document.GetProperty("entries").GetArrayLength());
        await cluster.RefusedAsync(ExitCodes.Usage, "-L '0' must be", "tree", "-L", "0", "/draw");
    }
}
