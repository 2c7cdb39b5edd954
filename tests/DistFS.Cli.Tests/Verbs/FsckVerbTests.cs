using System.Net;
using System.Net.Sockets;
using DistFS.Metaserver.Hosting;
using DistFS.Native.RocksDb;
using DistFS.Rpc;

namespace DistFS.Cli.Tests.Verbs;

/// <summary>A metaserver checks itself: of a sound state nothing is told, of one that is not, what is wrong.</summary>
public sealed class FsckVerbTests : IDisposable
{
    private readonly TempFolder _folder = new();
    private readonly string _address = FreeAddress();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task What_is_wrong_is_told_and_returns_1()
    {
        await using (await StartAsync())
        {
            // The first of the addresses is nobody's.
            var sound = await FsckAsync("--metadata", "--meta", $"{FreeAddress()},{_address}", "--timeout", "60s");
            Assert.Equal((ExitCodes.Ok, ""), (sound.ExitCode, sound.Error));
            Assert.Contains("all adds up", sound.Out, StringComparison.Ordinal);
        }

        Harm();
        await using (await StartAsync())
        {
            var told = await FsckAsync("--metadata", "--cluster", _address, "--timeout", "60s");
            Assert.Equal(ExitCodes.Failed, told.ExitCode);
            Assert.Contains("trash  99", told.Out, StringComparison.Ordinal);
            Assert.Contains("1 findings", told.Out, StringComparison.Ordinal);
            var json = await FsckAsync("--metadata", "--meta", _address, "--json", "--timeout", "60s");
            Assert.Equal(ExitCodes.Failed, json.ExitCode);
            Assert.Equal(1, json.Json.GetProperty("findingsTotal").GetInt32());
            var finding = Assert.Single(json.Json.GetProperty("findings").EnumerateArray());
            Assert.Equal(("trash", 99), (
                finding.GetProperty("kind").GetString(), finding.GetProperty("inode").GetInt32()));
            Assert.True(json.Json.GetProperty("rows").GetInt64() > 1);
        }
    }

    [Fact]
    public async Task Where_nobody_answers_nothing_was_checked()
    {
        var result = await FsckAsync("--metadata", "--meta", _address, "--timeout", "2s");
        Assert.NotEqual(ExitCodes.Ok, result.ExitCode);
        Assert.NotEqual(ExitCodes.Failed, result.ExitCode);
        Assert.Empty(result.Out);
    }

    [Theory]
    [InlineData("--metadata", "fsck")]
    [InlineData("'x' are no addresses", "fsck", "--metadata", "--meta", "x")]
    [InlineData("--cluster", "fsck", "--metadata")]
    public async Task What_is_missing_is_said(string text, params string[] args)
    {
        var result = await new Cli().RunAsync(args);
        Assert.Equal(ExitCodes.Usage, result.ExitCode);
        Assert.Contains(text, result.Error, StringComparison.Ordinal);
    }

    private static Task<CliResult> FsckAsync(params string[] args) =>
        new Cli { Width = 200 }.RunAsync(["fsck", .. args]);

    private static string FreeAddress()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return $"{listener.LocalEndpoint}";
    }

    private Task<MetaserverHost> StartAsync() => MetaserverHost.StartAsync(new MetaserverOptions
    {
        DataFolder = _folder.Sub("m"),
        Address = RpcAddress.Parse(_address),
    });

    /// <summary>An orphan that is not there.</summary>
    private void Harm()
    {
        using var db = RocksDb.Open(
            new RocksDbOptions { CreateIfMissing = false },
            Path.Combine(_folder.Sub("m"), "state"),
            new ColumnFamilyDescriptor("default", new ColumnFamilyOptions()));
        using var batch = new WriteBatch();
        // A directory that is not there keeps what is removed from it: nothing but the check ever looks at that.
        batch.Put(
            db.DefaultColumnFamily,
            [(byte)'r', 0, 0, 0, 0, 0, 0, 0, 99],
            [1, 0, 0, 0, 0, 0, 0, 0, 60, 0, 0, 0, 0, 0, 0, 0]);
        db.Write(batch, WriteSettings.WithoutWal);
        db.FlushAll();
    }
}
