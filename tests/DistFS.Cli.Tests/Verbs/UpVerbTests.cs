using System.Text.Json;
using DistFS.Native;

namespace DistFS.Cli.Tests.Verbs;

/// <summary>
/// A cluster as a person starts and uses it: up, put, get and the other verbs about files, a process killed, up again,
/// down.
/// </summary>
public sealed class UpVerbTests : IDisposable
{
    private readonly TempFolder _folder = new();
    private string _cluster = "";

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task A_cluster_is_started_used_mended_and_stopped()
    {
        var folder = _folder.Sub("cluster");
        var up = await DfsAsync("up", folder, "--metaservers", "1", "--servers", "3", "--json");
        Assert.True(up.ExitCode == ExitCodes.Ok, up.Error);
        var pids = Pids(up.Json);
        try
        {
            _cluster = up.Json.GetProperty("meta")[0].GetString()!;
            await FilesAsync();

            // Who drains or looks for a server takes its number from either.
            var known = (await OkAsync("status", "--json")).Json.GetProperty("chunkservers").EnumerateArray();
            var started = up.Json.GetProperty("servers").EnumerateArray()
                .Where(static one => one.GetProperty("role").GetString() == "chunkserver");
            Assert.Equal(known.Select(NameOf).Order(), started.Select(NameOf).Order());

            // What was killed comes back with its data, and nothing else is started.
            Posix.Kill(pids[^1], ProcessSignal.Kill);
            var again = await DfsAsync("up", folder, "--json");
            Assert.True(again.ExitCode == ExitCodes.Ok, again.Error);
            var after = Pids(again.Json);
            Assert.Equal(pids[..^1], after[..^1]);
            Assert.NotEqual(pids[^1], after[^1]);
            pids = after;
            Assert.Equal("hello", (await OkAsync("get", "/dir/small", "-")).Out);
            Assert.Equal(ExitCodes.Ok, (await DfsAsync("down", folder)).ExitCode);
            Assert.All(pids, static pid => Assert.False(IsAlive(pid)));
        }
        finally
        {
            foreach (var pid in pids.Where(IsAlive))
            {
                Posix.Kill(pid, ProcessSignal.Kill);
            }
        }
    }

    [Fact]
    public async Task A_cluster_of_one_process_keeps_its_data_when_it_is_killed()
    {
        var folder = _folder.Sub("one");
        var up = await DfsAsync("up", folder, "--embedded", "--json");
        Assert.True(up.ExitCode == ExitCodes.Ok, up.Error);
        var pid = Assert.Single(Pids(up.Json));
        try
        {
            _cluster = up.Json.GetProperty("meta")[0].GetString()!;
            var big = _folder.Sub("big");
            var bytes = new byte[300_000];
            new Random(5).NextBytes(bytes);
            await File.WriteAllBytesAsync(big, bytes);
            await OkAsync("put", big, "/big");
            Posix.Kill(pid, ProcessSignal.Kill);
            var again = await DfsAsync("up", folder, "--json");
            Assert.True(again.ExitCode == ExitCodes.Ok, again.Error);
            pid = Assert.Single(Pids(again.Json));
            await OkAsync("get", "/big", _folder.Sub("back"));
            Assert.Equal(bytes, await File.ReadAllBytesAsync(_folder.Sub("back")));
            Assert.Equal(1, (await OkAsync("locate", "/big", "--json")).Json
                .GetProperty("ranges")[0].GetProperty("servers").GetArrayLength());
            Assert.Equal(ExitCodes.Ok, (await DfsAsync("down", folder)).ExitCode);
            Assert.False(IsAlive(pid));
        }
        finally
        {
            if (IsAlive(pid))
            {
                Posix.Kill(pid, ProcessSignal.Kill);
            }
        }
    }

    [Fact]
    public async Task Embedded_is_one_process_only()
    {
        var result = await new Cli().RunAsync("up", _folder.Sub("none"), "--embedded", "--servers", "2");
        Assert.Equal(ExitCodes.Usage, result.ExitCode);
    }

    [Fact]
    public async Task There_is_nothing_to_stop_where_nothing_was_started()
    {
        var result = await new Cli().RunAsync("down", _folder.Sub("none"));
        Assert.Equal(ExitCodes.Usage, result.ExitCode);
        Assert.Contains("There is no cluster", result.Error, StringComparison.Ordinal);
    }

    private static string NameOf(JsonElement server) => $"{server.GetProperty("id")} {server.GetProperty("address")}";

    private async Task FilesAsync()
    {
        var (big, small) = (_folder.Sub("big"), _folder.Sub("small"));
        var bytes = new byte[3_000_000];
        new Random(1).NextBytes(bytes);
        await File.WriteAllBytesAsync(big, bytes);
        await File.WriteAllTextAsync(small, "hello");
        await OkAsync("mkdir", "-p", "/dir/sub");
        await OkAsync("put", big, small, "/dir");
        await RefusedAsync(ExitCodes.Failed, "exists already", "put", big, "/dir");
        await RefusedAsync(ExitCodes.Failed, "exists already", "put", small, "/dir");
        await OkAsync("put", "-f", small, "/dir/small");
        Assert.Equal("hello", (await OkAsync("cat", "/dir/small")).Out);
        var copy = _folder.Sub("copy");
        await OkAsync("get", "/dir/big", copy);
        Assert.Equal(bytes, await File.ReadAllBytesAsync(copy));
        await RefusedAsync(ExitCodes.Failed, "exists already", "get", "/dir/big", copy);

        var listed = (await OkAsync("ls", "--json", "/dir")).Json.GetProperty("entries").EnumerateArray()
            .Select(static entry => $"{entry.GetProperty("name")} {entry.GetProperty("size")}");
        Assert.Equal(["big 3000000", "small 5", "sub 0"], listed);
        Assert.Contains("drwxr-xr-x", (await OkAsync("ls", "-l", "/dir")).Out, StringComparison.Ordinal);
        Assert.Equal(3_000_000, (await OkAsync("stat", "--json", "/dir/big")).Json.GetProperty("size").GetInt32());
        var range = Assert.Single((await OkAsync("locate", "--json", "/dir/big")).Json.GetProperty("ranges")
            .EnumerateArray().ToArray());
        Assert.Equal(3, range.GetProperty("servers").GetArrayLength());

        await OkAsync("mv", "/dir/big", "/dir/sub");
        await OkAsync("put", "-r", "-p", Tree(), "/dir/sub");
        var back = _folder.Sub("back");
        await OkAsync("get", "-r", "-p", "/dir", back);
        Assert.Equal(bytes, await File.ReadAllBytesAsync(Path.Combine(back, "sub", "big")));
        await RefusedAsync(ExitCodes.NotFound, "no such file", "stat", "/dir/big");
        await RefusedAsync(ExitCodes.Failed, "is a directory", "rm", "/dir/sub");
        await OkAsync("rm", "-r", "/dir/sub");
        Assert.Equal("small\n", (await OkAsync("ls", "/dir")).Out);
        await OkAsync("rm", "-f", "/dir/sub");
    }

    /// <summary>One that has ended, and of which nobody has taken notice yet, has no command line (proc(5)).</summary>
    private static bool IsAlive(int pid) =>
        Directory.Exists($"/proc/{pid}") && File.ReadAllText($"/proc/{pid}/cmdline").Length > 0;

    private string Tree() => Path.GetDirectoryName(_folder.File("tree/file", "content"))!;

    private async Task<CliResult> OkAsync(params string[] arguments)
    {
        var result = await DfsAsync(arguments);
        Assert.True(result.ExitCode == ExitCodes.Ok, $"dfs {string.Join(' ', arguments)}: {result.Error}");
        return result;
    }

    private async Task RefusedAsync(int code, string why, params string[] arguments)
    {
        var result = await DfsAsync(arguments);
        Assert.Equal(code, result.ExitCode);
        Assert.Contains(why, result.Error, StringComparison.Ordinal);
    }

    private async Task<CliResult> DfsAsync(params string[] arguments)
    {
        using var process = DfsProcess.StartDfs(
            _cluster.Length == 0 ? arguments : [.. arguments, "--cluster", _cluster, "--timeout", "30s"]);
        return await DfsProcess.EndAsync(process);
    }

    private static int[] Pids(JsonElement up) =>
        [.. up.GetProperty("servers").EnumerateArray().Select(static one => one.GetProperty("pid").GetInt32())];
}
