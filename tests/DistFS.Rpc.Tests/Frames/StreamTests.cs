using static DistFS.Rpc.Tests.ConformanceMethods;

namespace DistFS.Rpc.Tests.Frames;

public sealed class StreamTests
{
    [Fact]
    public async Task Replies_come_in_order_and_all()
    {
        await using var world = new RpcWorld(RpcWorld.Loopback(new FrameOptions()));
        var channel = world.Channel(new FrameOptions { StreamWindowBytes = 8192 });
        uint next = 0;
        await foreach (var reply in channel.CountAsync(5000, bytes: 100))
        {
            Assert.Equal(next++, reply.Value);
            Assert.True(reply.Content.Span.SequenceEqual(ConformanceService.Content.AsSpan(0, 100)));
        }

        Assert.Equal(5000U, next);
    }

    [Fact]
    public async Task An_empty_stream_ends() => Assert.Equal(0, await CountAsync(0));

    [Fact]
    public async Task A_reader_that_leaves_cancels_the_handler()
    {
        await using var world = new RpcWorld();
        var channel = world.Channel();
        await foreach (var reply in channel.CountAsync(int.MaxValue, bytes: 1000))
        {
            if (reply.Value == 10)
            {
                break;
            }
        }

        await Eventually.True(() => world.Service.Running == 0);
        Assert.Equal(1, world.Service.Cancelled);
        Assert.Equal(5UL, await channel.EchoAsync(5));
    }

    [Fact]
    public async Task A_slow_reader_holds_the_sender_back()
    {
        const int Window = 64 << 10, Item = 10_000;
        await using var world = new RpcWorld();
        var channel = world.Channel(new FrameOptions { StreamWindowBytes = Window });
        await using var stream = channel.CountAsync(1000, Item).GetAsyncEnumerator();
        var taken = 0;
        for (var i = 0; i < 100; i++)
        {
            Assert.True(await stream.MoveNextAsync().Soon());
            taken++;

            // Ahead by the window and one item, and by what the reader has taken but not granted yet.
            Assert.InRange(world.Service.StreamBytes, 0, ((taken + 1L) * Item) + Window);
        }

        await Eventually.True(() => world.Service.StreamBytes >= (taken * Item) + (Window / 2) - Item);
        await channel.EchoAsync(1);
        Assert.InRange(world.Service.StreamBytes, 0, ((taken + 1L) * Item) + Window);
    }

    [Fact]
    public async Task A_stream_that_nobody_reads_holds_up_nobody_else()
    {
        await using var world = new RpcWorld();
        var channel = world.Channel(new FrameOptions { StreamWindowBytes = 16 << 10 });
        await using var unread = channel.CountAsync(100_000, 5000).GetAsyncEnumerator();
        Assert.True(await unread.MoveNextAsync().Soon());
        var count = 0;
        await foreach (var reply in channel.CountAsync(2000, 1000))
        {
            Assert.Equal(count++, (int)reply.Value);
        }

        Assert.Equal(2000, count);
        Assert.Equal(7UL, await channel.EchoAsync(7));
    }

    [Fact]
    public async Task A_deadline_ends_a_stream_on_both_sides()
    {
        await using var world = new RpcWorld();
        var channel = world.Channel(new FrameOptions { StreamWindowBytes = 8192 });
        await using var stream = channel.CountAsync(100_000, 5000, timeout: TimeSpan.FromMilliseconds(200))
            .GetAsyncEnumerator();
        Assert.True(await stream.MoveNextAsync().Soon());
        await Eventually.True(() => world.Service.Running == 0);
        var error = await Eventually.Fails(ErrorCatalog.DeadlineExceeded, async () =>
        {
            while (await stream.MoveNextAsync())
            {
                // What had come before the deadline.
            }
        });
        Assert.True(error.OutcomeUnknown);
        Assert.Equal(1, world.Service.Cancelled);
    }

    [Fact]
    public async Task An_error_in_the_middle_comes_behind_what_was_sent()
    {
        await using var world = new RpcWorld();
        var seen = 0;
        await Eventually.Fails(ErrorCatalog.StoreIo, async () =>
        {
            await foreach (var reply in world.Channel().CountAsync(20, 10, fail: true))
            {
                seen++;
            }
        });
        Assert.Equal(20, seen);
    }

    [Fact]
    public async Task A_cancelled_stream_says_so()
    {
        await using var world = new RpcWorld();
        using var cancellation = new CancellationTokenSource();
        await using var stream = world.Channel(new FrameOptions { StreamWindowBytes = 8192 })
            .CountAsync(100_000, 5000, cancellation: cancellation.Token).GetAsyncEnumerator();
        Assert.True(await stream.MoveNextAsync().Soon());
        await cancellation.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () =>
        {
            while (await stream.MoveNextAsync())
            {
                // What had come before.
            }
        }).Soon();
    }

    [Fact]
    public async Task A_lost_connection_ends_its_streams()
    {
        await using var world = new RpcWorld();
        await using var stream = world.Channel(new FrameOptions { StreamWindowBytes = 8192 })
            .CountAsync(100_000, 5000).GetAsyncEnumerator();
        Assert.True(await stream.MoveNextAsync().Soon());
        await world.Server.DisposeAsync();
        await Eventually.Fails(ErrorCatalog.ConnectionLost, async () =>
        {
            while (await stream.MoveNextAsync())
            {
                // What had come before.
            }
        });
    }

    private static async Task<int> CountAsync(int items)
    {
        await using var world = new RpcWorld();
        var count = 0;
        await foreach (var reply in world.Channel().StreamAsync(
            Count, new CountRequest { Items = (uint)items }, new CallOptions(TimeSpan.FromSeconds(9))))
        {
            count++;
        }

        return count;
    }
}
