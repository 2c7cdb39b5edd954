using System.Buffers.Binary;
using System.Diagnostics;
using DistFS.Client;
using DistFS.Primitives;

namespace DistFS.TestCluster.Tests;

/// <summary>
/// Appends of several clients at a time: every record is there once, whole, behind those that were acknowledged before
/// (POSIX, write: with O_APPEND no modification of the file comes between finding its end and writing there).
/// </summary>
public sealed class AppendTests(ClusterFixture fixture) : IClassFixture<ClusterFixture>
{
    private const int Records = 1_000;
    private const int HeaderBytes = 12;

    private DistFsClient Dfs => fixture.Client;

    [Fact]
    public async Task Two_clients_append_a_thousand_records_each_and_all_are_there_and_whole()
    {
        await using var other = await fixture.Cluster.ConnectAsync();
        var offsets = await Task.WhenAll(
            AppendAsync(Dfs, "/both", writer: 1, Records), AppendAsync(other, "/both", writer: 2, Records));
        var found = Parse(await ReadAsync("/both"));
        Assert.Equal(2 * Records, found.Count);
        foreach (var writer in new[] { 1, 2 })
        {
            var own = found.Where(record => record.Writer == writer).ToList();
            Assert.Equal(Enumerable.Range(0, Records), own.Select(static record => record.Number));
            Assert.Equal(offsets[writer - 1], own.Select(static record => record.Offset));
        }
    }

    [Fact]
    public async Task Appends_of_many_threads_are_made_durable_together()
    {
        await using var log = await Dfs.OpenAppendAsync("/threads");
        await using var same = await Dfs.OpenAppendAsync("/threads");
        await Task.WhenAll(
            Enumerable.Range(0, Records).Select(i => (i % 2 == 0 ? log : same).AppendAsync(Record(3, i))));
        Assert.Equal(
            Enumerable.Range(0, Records), Parse(await ReadAsync("/threads")).Select(static one => one.Number).Order());
    }

    [Fact]
    public async Task Records_are_acknowledged_once_while_a_leader_and_a_chunk_server_die()
    {
        await using var other = await fixture.Cluster.ConnectAsync();
        var appends = Task.WhenAll(
            AppendAsync(Dfs, "/kills", writer: 1, 200), AppendAsync(other, "/kills", writer: 2, 200));
        var leader = await fixture.Cluster.Metaservers.LeaderAsync();
        await fixture.Cluster.Metaservers.KillAsync(leader);
        await fixture.Cluster.Metaservers.LeaderAsync();
        await fixture.Cluster.Metaservers.StartAsync(leader);
        await fixture.Cluster.Servers[0].KillAsync();
        await fixture.Cluster.Servers[0].StartAsync();
        await appends;
        var found = Parse(await ReadAsync("/kills"));
        Assert.All([1, 2], writer => Assert.Equal(
            Enumerable.Range(0, 200), found.Where(one => one.Writer == writer).Select(static one => one.Number)));
        await fixture.Cluster.ServersUpAsync(5);
    }

    [Fact]
    public async Task A_leader_that_begins_waits_for_no_client_that_has_ended()
    {
        await using (var other = await fixture.Cluster.ConnectAsync())
        {
            await using var log = await other.OpenAppendAsync("/ended");
            await log.AppendAsync(new byte[] { 1 });
        }

        var leader = await fixture.Cluster.Metaservers.LeaderAsync();
        await fixture.Cluster.Metaservers.KillAsync(leader);
        var begun = Stopwatch.GetTimestamp();
        await fixture.Cluster.Metaservers.LeaderAsync();
        await using var mine = await Dfs.OpenAppendAsync("/ended");
        Assert.Equal(1, await mine.AppendAsync(new byte[] { 2 }));

        // The other's lease time was 30 s.
        Assert.True(Stopwatch.GetElapsedTime(begun) < TimeSpan.FromSeconds(20), $"{Stopwatch.GetElapsedTime(begun)}");
        await fixture.Cluster.Metaservers.StartAsync(leader);
    }

    [Fact]
    public async Task What_others_cut_and_write_in_between_is_where_the_next_record_begins()
    {
        await using var other = await fixture.Cluster.ConnectAsync();
        await using var log = await Dfs.OpenAppendAsync("/cut-log");
        Assert.Equal(0, await log.AppendAsync(new byte[10_000]));
        Assert.Equal(10_000, await log.AppendAsync(new byte[100]));
        await using (var file = await other.OpenWriteAsync("/cut-log"))
        {
            await file.SetLengthAsync(50);
            Assert.Equal(50, await log.AppendAsync(new byte[] { 1, 2, 3 }));
            await file.WriteAsync(53, new byte[7]);
        }

        Assert.Equal(60, await log.AppendAsync(new byte[] { 4 }));
        Assert.Equal(61, (await other.StatAsync("/cut-log")).Size);
        Assert.Equal([1, 2, 3, 0, 0, 0, 0, 0, 0, 0, 4], (await ReadAsync("/cut-log"))[50..]);
    }

    [Fact]
    public async Task A_record_longer_than_a_request_stands_in_one_piece()
    {
        await using var other = await fixture.Cluster.ConnectAsync();
        await using var one = await Dfs.OpenAppendAsync("/long");
        await using var two = await other.OpenAppendAsync("/long");
        await Task.WhenAll(one.AppendAsync(Filled(1, 3 << 20)), two.AppendAsync(Filled(2, 3 << 20)));
        var bytes = await ReadAsync("/long");
        Assert.Equal(6 << 20, bytes.Length);
        Assert.Equal(1, bytes.Zip(bytes.Skip(1)).Count(static pair => pair.First != pair.Second));
    }

    [Fact]
    public async Task What_may_not_be_written_is_refused_and_an_empty_record_changes_nothing()
    {
        await Dfs.CreateDirectoryAsync("/folder-of-logs");
        var refused = await Assert.ThrowsAsync<DistFsException>(() => Dfs.OpenAppendAsync("/folder-of-logs"));
        Assert.Equal(FsStatus.IsADirectory, refused.Status);
        await using var log = await Dfs.OpenAppendAsync("/folder-of-logs/a");
        Assert.Equal(0, await log.AppendAsync(default));
        Assert.Equal(0, await log.AppendAsync(new byte[] { 1 }));
        using var over = new CancellationTokenSource();
        await over.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => log.AppendAsync(new byte[] { 2 }, over.Token));
        Assert.Equal(1, await log.AppendAsync(default));
    }

    private static byte[] Filled(byte value, int length)
    {
        var bytes = new byte[length];
        Array.Fill(bytes, value);
        return bytes;
    }

    private static async Task<List<long>> AppendAsync(DistFsClient dfs, string path, int writer, int count)
    {
        await using var log = await dfs.OpenAppendAsync(path);
        var offsets = new List<long>();
        for (var i = 0; i < count; i++)
        {
            offsets.Add(await log.AppendAsync(Record(writer, i)));
        }

        return offsets;
    }

    /// <summary>Writer, number, length, and bytes that follow from them.</summary>
    private static byte[] Record(int writer, int number)
    {
        var random = new Random((writer << 20) + number);
        var record = new byte[HeaderBytes + random.Next(300)];
        BinaryPrimitives.WriteInt32LittleEndian(record, writer);
        BinaryPrimitives.WriteInt32LittleEndian(record.AsSpan(4), number);
        BinaryPrimitives.WriteInt32LittleEndian(record.AsSpan(8), record.Length);
        random.NextBytes(record.AsSpan(HeaderBytes));
        return record;
    }

    private static List<(int Writer, int Number, long Offset)> Parse(byte[] bytes)
    {
        var found = new List<(int Writer, int Number, long Offset)>();
        for (var at = 0; at < bytes.Length;)
        {
            var writer = BinaryPrimitives.ReadInt32LittleEndian(bytes.AsSpan(at));
            var number = BinaryPrimitives.ReadInt32LittleEndian(bytes.AsSpan(at + 4));
            var expected = Record(writer, number);
            Assert.Equal(expected, bytes[at..(at + expected.Length)]);
            found.Add((writer, number, at));
            at += expected.Length;
        }

        return found;
    }

    private async Task<byte[]> ReadAsync(string path)
    {
        await using var file = await Dfs.OpenReadAsync(path);
        var bytes = new byte[await file.GetLengthAsync()];
        Assert.Equal(bytes.Length, await file.ReadAsync(0, bytes));
        return bytes;
    }
}
