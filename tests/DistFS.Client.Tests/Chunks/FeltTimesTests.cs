using DistFS.Client.Chunks;

namespace DistFS.Client.Tests.Chunks;

public sealed class FeltTimesTests
{
    private readonly FeltTimes _felt = new();

    [Fact]
    public void The_last_is_told_to_its_server_once()
    {
        var (one, other) = (new ServerId(7), new ServerId(7 + 64));
        Assert.Equal(0u, _felt.Take(one, out _));
        _felt.Note(one, 16, TimeSpan.FromMilliseconds(2));
        _felt.Note(one, 3, TimeSpan.FromMilliseconds(5));
        Assert.Equal(0u, _felt.Take(other, out _));
        Assert.Equal(5_000u, _felt.Take(one, out var blocks));
        Assert.Equal(3u, blocks);
        Assert.Equal(0u, _felt.Take(one, out _));
    }

    [Fact]
    public void Times_beyond_what_fits_are_the_longest()
    {
        var server = new ServerId(uint.MaxValue);
        _felt.Note(server, 31, TimeSpan.FromDays(1));
        Assert.Equal((1u << 27) - 1, _felt.Take(server, out var blocks));
        Assert.Equal(31u, blocks);
        _felt.Note(server, 0, TimeSpan.Zero);
        Assert.Equal(1u, _felt.Take(server, out _));
    }
}
