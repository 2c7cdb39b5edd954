using System.Runtime.Versioning;
using DistFS.Native;

namespace DistFS.Cli.Tests.Verbs;

/// <summary>put and get, and all that may be wrong on this machine or with what is given.</summary>
[Collection(VerbClusterTests.Name)]
[SupportedOSPlatform("linux")]
public sealed class TransferVerbTests(VerbCluster cluster) : IDisposable
{
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task A_tree_goes_there_and_back_with_modes_times_and_links()
    {
        await cluster.OkAsync("mkdir", "/tree");
        var root = _folder.Sub("t");
        for (var i = 0; i < 5; i++)
        {
            _folder.File($"t/d{i}/e/f/file{i}", new string('x', i * 3000));
        }

        _folder.File("t/run.sh", "#!");
        File.SetUnixFileMode(Path.Combine(root, "run.sh"), (UnixFileMode)0b111_101_000);
        File.CreateSymbolicLink(Path.Combine(root, "link"), "d1/e");
        File.SetUnixFileMode(Path.Combine(root, "d2"), (UnixFileMode)0b111_000_000);
        var time = new DateTime(2020, 2, 3, 4, 5, 6, DateTimeKind.Utc);
        Directory.SetLastWriteTimeUtc(Path.Combine(root, "d2"), time);
        await cluster.OkAsync("put", "-r", "-p", root, "/tree");
        var back = _folder.Sub("back");
        await cluster.OkAsync("get", "-r", "-p", "/tree/t", back);
        Assert.Equal(Names(root), Names(back));
        Assert.Equal(new string('x', 12_000), await File.ReadAllTextAsync(Path.Combine(back, "d4/e/f/file4")));
        Assert.Equal("d1/e", new FileInfo(Path.Combine(back, "link")).LinkTarget);
        Assert.Equal((UnixFileMode)0b111_101_000, File.GetUnixFileMode(Path.Combine(back, "run.sh")));
        Assert.Equal((UnixFileMode)0b111_000_000, File.GetUnixFileMode(Path.Combine(back, "d2")));
        Assert.Equal(time, Directory.GetLastWriteTimeUtc(Path.Combine(back, "d2")));

        // Again: what is there is told file by file, and with -f replaced.
        var again = await cluster.RefusedAsync(
            ExitCodes.Failed, "DFS1510: /tree/t/run.sh: exists already", "put", "-r", root, "/tree");
        Assert.Contains("/tree/t/link: exists already", again.Error, StringComparison.Ordinal);
        _folder.File("t/run.sh", "#!/bin/sh");
        await cluster.OkAsync("put", "-r", "-f", root, "/tree");
        Assert.Equal("#!/bin/sh", await cluster.ReadAsync("/tree/t/run.sh"));
    }

    /// <summary>Each of the files takes most of it: they come one after the other.</summary>
    [Fact]
    public async Task With_little_memory_a_tree_goes_there_and_back_too()
    {
        await cluster.OkAsync("mkdir", "/little");
        var root = _folder.Sub("l");
        for (var i = 0; i < 4; i++)
        {
            _folder.File($"l/large{i}", new string((char)('a' + i), 9 << 20));
            _folder.File($"l/small{i}", $"{i}");
        }

        await cluster.OkAsync("put", "-r", "--mem", "32MiB", root, "/little");
        var back = _folder.Sub("lback");
        await cluster.OkAsync("get", "-r", "--mem", "32MiB", "/little/l", back);
        Assert.Equal(Names(root), Names(back));
        foreach (var name in Names(root))
        {
            Assert.Equal(
                await File.ReadAllBytesAsync(Path.Combine(root, name)),
                await File.ReadAllBytesAsync(Path.Combine(back, name)));
        }

        foreach (var little in new[] { "0", "31MiB" })
        {
            await cluster.RefusedAsync(
                ExitCodes.Usage, "32 MiB is what it takes", "put", "--mem", little, root, "/little");
        }
    }

    [Fact]
    public async Task What_fails_of_a_tree_is_told_and_the_rest_is_put()
    {
        await cluster.OkAsync("mkdir", "/part");
        _folder.File("p/a", "a");
        _folder.File("p/sub/b", "b");
        await cluster.OkAsync("mkdir", "-p", "/part/p/a");
        var result = await cluster.RunAsync("put", "-r", "--json", _folder.Sub("p"), "/part");
        Assert.Equal(ExitCodes.Failed, result.ExitCode);
        var failed = Assert.Single(result.Json.GetProperty("failed").EnumerateArray().ToArray());
        Assert.Equal("DFS1510", failed.GetProperty("code").GetString());
        Assert.Equal(1, result.Json.GetProperty("files").GetInt32());
        Assert.Equal("b", await cluster.ReadAsync("/part/p/sub/b"));
    }

    [Fact]
    public async Task Bad_input_is_one_line_and_a_code()
    {
        await cluster.OkAsync("mkdir", "/bad");
        await cluster.WriteAsync("/bad/file", "content");
        var (none, file) = (_folder.Sub("none"), _folder.File("file", "here"));
        await OneLineAsync(ExitCodes.NotFound, $"DFS1511: local {none}: no such file", "put", none, "/bad/x");
        await OneLineAsync(
            ExitCodes.Failed, $"{_folder.Path}: is a directory; add -r", "put", _folder.Path, "/bad");
        await OneLineAsync(ExitCodes.Failed, "DFS1510: /bad/file: exists already", "put", file, "/bad/file");
        await OneLineAsync(ExitCodes.NotFound, "DFS1501: /none: no such file", "put", file, "/none/x");
        await OneLineAsync(ExitCodes.NotFound, "DFS1501: /none/: no such directory", "put", file, "/none/");
        await OneLineAsync(ExitCodes.Usage, "DFS1001: /bad is a directory: say what", "put", "-", "/bad");
        await OneLineAsync(ExitCodes.Usage, "'0' is no size from 1 B", "put", "--limit", "0", file, "/bad/y");
        await OneLineAsync(ExitCodes.NotFound, "DFS1501: /bad/none: no such file", "get", "/bad/none", none);
        await OneLineAsync(ExitCodes.Failed, "DFS1501: /bad: is a directory; add -r", "get", "/bad", none);
        await OneLineAsync(ExitCodes.Failed, $"DFS1510: local {file}: exists already", "get", "/bad/file", file);
        await OneLineAsync(ExitCodes.NotFound, "DFS1511: local ", "get", "/bad/file", Path.Combine(none, "x"));
        await OneLineAsync(
            ExitCodes.Failed, "DFS1513: local ", "get", "/bad/file", _folder.Sub(new string('n', 300)));
        await OneLineAsync(ExitCodes.NotFound, "/bad/*.txt: nothing there has such a name", "get", "/bad/*.txt", none);
        Assert.Equal("here", await File.ReadAllTextAsync(file));
        Assert.Equal("content", await cluster.ReadAsync("/bad/file"));
        Assert.Equal(["file"], Names(_folder.Sub("")));
        Assert.Equal("file\n", (await cluster.OkAsync("ls", "-a", "/bad")).Out);
    }

    [Fact]
    public async Task A_full_local_disk_is_told_and_nothing_half_done_stays()
    {
        await cluster.OkAsync("mkdir", "/full");
        var bytes = new byte[3_000_000];
        new Random(5).NextBytes(bytes);
        await using (var file = await cluster.Client.CreateFileAsync("/full/big"))
        {
            await file.WriteAsync(0, bytes);
        }

        await cluster.WriteAsync("/full/small", "small");
        // In the namespace of a child: it vanishes with that, whatever happens here.
        Directory.CreateDirectory(_folder.Sub("disk"));
        using var holder = System.Diagnostics.Process.Start(new System.Diagnostics.ProcessStartInfo(
            "unshare",
            [
                "--map-root-user", "--mount", "sh", "-c",
                "mount -t tmpfs -o size=1m,mode=1777 tmpfs \"$0\" && echo ready && read line", _folder.Sub("disk"),
            ])
        {
            UseShellExecute = false,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
        })!;
        try
        {
            Assert.Equal("ready", await holder.StandardOutput.ReadLineAsync());
            var disk = $"/proc/{holder.Id}/root{_folder.Sub("disk")}";
            await OneLineAsync(ExitCodes.Failed, $"DFS1512: local {disk}/big: no space", "get", "/full/big", disk);
            Assert.Empty(Directory.GetFileSystemEntries(disk));
            await cluster.OkAsync("get", "/full/small", disk);
        }
        finally
        {
            holder.StandardInput.Close();
            await holder.WaitForExitAsync();
        }
    }

    [Fact]
    public async Task Names_that_are_no_text_are_told_and_the_rest_is_got()
    {
        await cluster.OkAsync("mkdir", "/bytes");
        await cluster.WriteAsync("/bytes/good", "good");
        var longest = new string('l', 255);
        await cluster.WriteAsync($"/bytes/{longest}", "long");
        _folder.File("latin/x", "x");
        var name = await ShellAsync($"cd {_folder.Sub("latin")} && touch \"$(printf 'b\\377d')\" && ls | wc -l");
        Assert.Equal("2", name);

        // .NET cannot open it; so it is told, and nothing else is harmed.
        await cluster.RefusedAsync(ExitCodes.Failed, "no UTF-8", "put", "-r", _folder.Sub("latin"), "/bytes");
        await ShellAsync($"rm -r {_folder.Sub("latin")}");
        Assert.Equal("x", await cluster.ReadAsync("/bytes/latin/x"));
        await cluster.OkAsync("get", "-r", "/bytes", _folder.Sub("b"));
        Assert.Equal("long", await File.ReadAllTextAsync(Path.Combine(_folder.Sub("b"), longest)));
    }

    [Fact]
    public async Task Pipes_and_streams_are_put_to_their_end()
    {
        await cluster.OkAsync("mkdir", "/pipe");
        Assert.Equal(ExitCodes.Ok, (await cluster.RunWithAsync("from stdin", "put", "-", "/pipe/a")).ExitCode);
        Assert.Equal("from stdin", (await cluster.OkAsync("get", "/pipe/a", "-")).Out);
        Assert.Equal("and from stdin", (await cluster.RunWithAsync("and ", "cat", "-", "/pipe/a")).Out);
        var fifo = _folder.Sub("fifo");
        await ShellAsync($"mkfifo {fifo}");
        Assert.False(Posix.IsRegularFile(fifo, followsLink: true));
        var writing = ShellAsync($"echo through > {fifo}");
        await cluster.OkAsync("put", fifo, "/pipe/b");
        await writing;
        Assert.Equal("through\n", await cluster.ReadAsync("/pipe/b"));

        // In a tree nobody waits for who may write to it some day.
        Directory.CreateDirectory(_folder.Sub("t"));
        await ShellAsync($"mkfifo {_folder.Sub("t")}/fifo");
        var left = await cluster.OkAsync("put", "-r", "--json", _folder.Sub("t"), "/pipe");
        Assert.EndsWith("/t/fifo", Assert.Single(
            left.Json.GetProperty("skipped").EnumerateArray().ToArray()).GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_file_that_changes_while_it_is_read_is_not_put()
    {
        await cluster.OkAsync("mkdir", "/changing");
        var file = _folder.File("growing", "");
        using var stop = new CancellationTokenSource();
        var begun = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var writing = Task.Run(async () =>
        {
            await using var stream = new FileStream(file, FileMode.Append, FileAccess.Write, FileShare.ReadWrite);
            var bytes = new byte[100_000];
            while (!stop.IsCancellationRequested)
            {
                await stream.WriteAsync(bytes);
                await stream.FlushAsync();
                begun.TrySetResult();
                stream.Position = stream.Length > 40_000_000 ? 0 : stream.Length;
            }
        });
        await begun.Task;
        try
        {
            await OneLineAsync(ExitCodes.Unavailable, $"DFS1504: local {file}: it changed", "put", file, "/changing");
        }
        finally
        {
            await stop.CancelAsync();
            await writing;
        }

        Assert.Empty((await cluster.OkAsync("ls", "-a", "/changing")).Out);
    }

    [Fact]
    public async Task Patterns_stand_for_names_of_the_cluster()
    {
        await cluster.OkAsync("mkdir", "-p", "/glob/a1/x", "/glob/a2/x", "/glob/b");
        foreach (var name in new[] { "a1/x/1.txt", "a2/x/2.txt", "a2/x/3.log", "b/4.txt", "b/.hidden.txt", "b/*" })
        {
            await cluster.WriteAsync($"/glob/{name}", name);
        }

        Assert.Equal("a1/x/1.txta2/x/2.txt", (await cluster.OkAsync("cat", "/glob/a[12]/x/*.txt")).Out);
        Assert.Equal("b/4.txt", (await cluster.OkAsync("cat", "/glob/b/[!*]*")).Out);
        Assert.Equal("b/*", (await cluster.OkAsync("cat", @"/glob/b/\*")).Out);
        Assert.Equal("b/.hidden.txt", (await cluster.OkAsync("cat", "/glob/b/.h*")).Out);
        await cluster.OkAsync("get", "/glob/a?/x/*.*", _folder.Sub(""));
        Assert.Equal(["1.txt", "2.txt", "3.log"], Names(_folder.Sub("")));
        await cluster.OkAsync("mv", "/glob/a*/x/*.txt", "/glob/b");
        await cluster.OkAsync("rm", "/glob/b/?.txt");
        Assert.Equal("*\n.hidden.txt\n", (await cluster.OkAsync("ls", "-a", "/glob/b")).Out);
        await cluster.RefusedAsync(ExitCodes.NotFound, "nothing there", "rm", "/glob/z*");
        await cluster.OkAsync("rm", "-f", "/glob/z*");
    }

    private static string[] Names(string folder) =>
    [
        .. Directory.EnumerateFileSystemEntries(folder, "*", SearchOption.AllDirectories)
            .Select(path => Path.GetRelativePath(folder, path)).Order(StringComparer.Ordinal),
    ];

    private static async Task<string> ShellAsync(string command)
    {
        using var process = DfsProcess.Start("sh", "-c", command);
        var result = await DfsProcess.EndAsync(process);
        Assert.True(result.ExitCode == 0, result.Error);
        return result.Out.Trim();
    }

    private async Task OneLineAsync(int code, string why, params string[] arguments)
    {
        var result = await cluster.RefusedAsync(code, why, arguments);
        var lines = result.Error.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.All(lines.Skip(1), static line => Assert.StartsWith("see 'dfs explain", line, StringComparison.Ordinal));
        Assert.DoesNotContain("DFS1000", result.Error, StringComparison.Ordinal);
    }
}
