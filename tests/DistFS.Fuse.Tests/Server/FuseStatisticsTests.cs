namespace DistFS.Fuse.Tests.Server;

/// <summary>What a server says of what it answered.</summary>
public sealed class FuseStatisticsTests
{
    [Fact]
    public async Task Each_answer_is_counted_with_its_outcome_and_its_bytes()
    {
        await using var world = await World.StartAsync();
        world.Files.OnLookup = static (_, reply) => reply.Fail(Errno.ENOENT);
        world.Files.OnWrite = static (data, reply) =>
        {
            reply.Request.Defer();
            _ = Task.Run(() => reply.Ok((uint)data.Length));
        };
        for (var i = 0; i < 3; i++)
        {
            await world.Kernel.Ask(Opcode.Lookup, 1, "x\0"u8);
        }

        await world.Kernel.Ask(Opcode.Read, 1, MemoryKernel.Bytes(new FuseReadIn { Size = 4096 }));
        await world.Kernel.Ask(Opcode.Write, 1, MemoryKernel.Bytes(new FuseWriteIn { Size = 3 }, 9, 9, 9));
        await Eventually.True(() => world.Server.Statistics.Snapshot().Sum(static one => one.Count) == 5);
        var seen = world.Server.Statistics.Snapshot().ToDictionary(static one => one.Opcode);
        Assert.Equal([Opcode.Lookup, Opcode.Read, Opcode.Write], seen.Keys.Order());
        Assert.Equal((3, 0, 3, 0), Of(seen[Opcode.Lookup]));
        Assert.Equal((1, 0, 0, 3), Of(seen[Opcode.Read]));
        Assert.Equal((1, 1, 0, 3), Of(seen[Opcode.Write]));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(7)]
    [InlineData(8)]
    [InlineData(1_000)]
    [InlineData(123_456)]
    [InlineData(60_000_000)]
    public void Times_are_told_a_quarter_too_long_at_most(long microseconds)
    {
        var statistics = new FuseStatistics();
        statistics.Answered(Opcode.Read, false, false, 0, TimeSpan.FromMicroseconds(microseconds));
        var read = Assert.Single(statistics.Snapshot());
        Assert.Equal(TimeSpan.FromMicroseconds(microseconds), read.Total);
        Assert.InRange(read.Median.TotalMicroseconds, microseconds, Math.Max(microseconds + 1, microseconds * 1.25));
    }

    [Fact]
    public void One_of_a_hundred_is_the_slow_one()
    {
        var statistics = new FuseStatistics();
        for (var i = 0; i < 198; i++)
        {
            statistics.Answered(Opcode.Read, false, false, 0, TimeSpan.FromMicroseconds(100));
        }

        statistics.Answered(Opcode.Read, true, false, 0, TimeSpan.FromSeconds(1));
        statistics.Answered(Opcode.Read, true, false, 0, TimeSpan.FromDays(1));
        var read = Assert.Single(statistics.Snapshot());
        Assert.InRange(read.Median.TotalMicroseconds, 100, 125);
        Assert.InRange(read.Percentile99.TotalMicroseconds, 100, 125);
        statistics.Answered(Opcode.Read, true, false, 0, TimeSpan.FromSeconds(1));
        Assert.InRange(Assert.Single(statistics.Snapshot()).Percentile99.TotalSeconds, 1, 1.25);
    }

    private static (long, long, long, long) Of(FuseOperationFigures one) =>
        (one.Count, one.Deferred, one.Failed, one.Bytes);
}
