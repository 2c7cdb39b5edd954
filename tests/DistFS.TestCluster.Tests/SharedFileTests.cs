using DistFS.Client;
using DistFS.Primitives;

namespace DistFS.TestCluster.Tests;

/// <summary>
/// Several clients with one file, each with what it knew of it before: nobody writes over what he did not write, reads
/// what never was in the file, or is told that bytes are safe which are not there.
/// </summary>
public sealed class SharedFileTests(ClusterFixture fixture) : IClassFixture<ClusterFixture>
{
    private DistFsClient Dfs => fixture.Client;

    [Fact]
    public async Task A_flush_of_a_small_file_sends_what_was_written_and_nothing_between()
    {
        await using var other = await fixture.Cluster.ConnectAsync();
        var expected = Bytes(4_000, 1);
        await WriteAsync("/small", expected);
        await using var one = await Dfs.OpenWriteAsync("/small");
        await using (var two = await other.OpenWriteAsync("/small"))
        {
            await two.WriteAsync(100, Bytes(100, 2));
        }

        await one.WriteAsync(0, new byte[] { 7 });
        await one.WriteAsync(3_999, new byte[] { 8 });
        await one.FlushAsync();
        Bytes(100, 2).CopyTo(expected, 100);
        (expected[0], expected[3_999]) = (7, 8);
        Assert.Equal(expected, await ReadAsync("/small"));
    }

    /// <summary>What it wrote into the chunk, too: its own view is of before.</summary>
    [Fact]
    public async Task Who_wrote_reads_it_though_another_made_a_chunk_of_the_file()
    {
        await using var other = await fixture.Cluster.ConnectAsync();
        await WriteAsync("/grown", Bytes(1_000, 1));
        await using var one = await Dfs.OpenWriteAsync("/grown");
        var expected = new byte[20_000];
        Bytes(1_000, 1).CopyTo(expected, 0);
        await using (var two = await other.OpenWriteAsync("/grown"))
        {
            await two.WriteAsync(19_000, Bytes(1_000, 2));
            Bytes(1_000, 2).CopyTo(expected, 19_000);
        }

        await one.WriteAsync(10, Bytes(10, 3));
        await one.FlushAsync();
        Bytes(10, 3).CopyTo(expected, 10);
        var read = new byte[30_000];
        Assert.Equal(20_000, await one.ReadAsync(0, read));
        Assert.Equal(expected, read[..20_000]);
    }

    [Theory]
    [InlineData(100)]
    [InlineData(0)]
    public async Task Who_reads_a_file_that_was_cut_gets_no_zeros_for_what_was_there(int length)
    {
        await using var other = await fixture.Cluster.ConnectAsync();
        var name = $"/cut{length}";
        await WriteAsync(name, Bytes(1 << 20, 1));
        await using var reader = await Dfs.OpenReadAsync(name);
        var read = new byte[1 << 20];
        Assert.Equal(read.Length, await reader.ReadAsync(0, read));
        await using (var writer = await other.OpenWriteAsync(name))
        {
            await writer.SetLengthAsync(length);
            if (length == 0)
            {
                await writer.WriteAsync(0, Bytes(20_000, 2));
            }
        }

        // Without leases it may be seen late: then all of it is as it was.
        await ReadAsync(name);
        var count = await reader.ReadAsync(0, read);
        var after = length == 0 ? Bytes(20_000, 2) : Bytes(1 << 20, 1)[..length];
        var expected = count == after.Length ? after : Bytes(1 << 20, 1);
        Assert.Equal(expected, read[..count]);
    }

    /// <summary>
    /// Without leases two writers of one chunk take it from each other, and what the one had not flushed may go. Then
    /// he hears of it: a flush that ends well is the truth.
    /// </summary>
    [Fact]
    public async Task A_flush_that_ends_well_after_another_took_the_chunk_is_the_truth()
    {
        await using var other = await fixture.Cluster.ConnectAsync();
        const int part = 2 << 20;
        for (var round = 0; round < 5; round++)
        {
            var name = $"/taken{round}";
            var one = await Dfs.CreateFileAsync(name);
            await one.WriteAsync(0, Bytes(part, round));
            var two = await other.OpenWriteAsync(name);
            await two.WriteAsync(part, Bytes(part, 100 + round));
            var (isSecond, isFirst) = (await IsFlushedAsync(two), await IsFlushedAsync(one));
            var read = await ReadAsync(name);
            Assert.True(!isFirst || read.AsSpan(0, part).SequenceEqual(Bytes(part, round)), $"{round}: the first");
            Assert.True(!isSecond || read.AsSpan(part).SequenceEqual(Bytes(part, 100 + round)), $"{round}: the second");
        }
    }

    private static async Task<bool> IsFlushedAsync(DistFsFile file)
    {
        try
        {
            await file.FlushAsync();
            return true;
        }
        catch (DistFsException e) when (e.Code == ErrorCatalog.WritesLost)
        {
            return false;
        }
        finally
        {
            await file.AbandonAsync();
        }
    }

    /// <summary>
    /// The first bytes are in the metadata, and are not lost when the write that drives them out fails.
    /// </summary>
    [Fact]
    public async Task What_was_written_before_a_write_that_failed_is_flushed()
    {
        await using var file = await Dfs.CreateFileAsync("/driven");
        await file.WriteAsync(0, Bytes(100, 1));
        using var cancelled = new CancellationTokenSource();
        var write = file.WriteAsync(100, Bytes(8_192, 2), cancelled.Token).AsTask();
        await cancelled.CancelAsync();
        try
        {
            await write;
        }
        catch (OperationCanceledException)
        {
            // Or it was done before: either is right.
        }

        await file.FlushAsync();
        Assert.Equal(Bytes(100, 1), (await ReadAsync("/driven"))[..100]);
    }

    private async Task WriteAsync(string path, byte[] bytes)
    {
        await using var file = await Dfs.CreateFileAsync(path);
        await file.WriteAsync(0, bytes);
    }

    private async Task<byte[]> ReadAsync(string path)
    {
        await using var file = await Dfs.OpenReadAsync(path);
        var bytes = new byte[await file.GetLengthAsync()];
        Assert.Equal(bytes.Length, await file.ReadAsync(0, bytes));
        return bytes;
    }

    private static byte[] Bytes(int length, int seed)
    {
        var bytes = new byte[length];
        new Random(seed).NextBytes(bytes);
        return bytes;
    }
}
