using DistFS.Blocks;
using DistFS.Client.Chunks;

namespace DistFS.Client.Tests.Chunks;

/// <summary>Who started again, who writes beside another, and in which order writes are acknowledged.</summary>
public sealed class ChainRestartTests
{
    [Fact]
    public async Task AWriteIsAcknowledgedOnlyWhenAllBeforeItAre()
    {
        await using var chain = new TestChain(2);
        await using var writer = chain.Write();
        await await writer.BeginAsync(0, Filled(1, 500), isDurable: true, default);

        // The second is stored by all, and its replies are lost; the third lies over it, and is replied to.
        chain.Servers[0].LosesRepliesOf = 2;
        var second = await writer.BeginAsync(0, Filled(2, 500), isDurable: false, default);
        var third = await writer.BeginAsync(0, Filled(3, 500), isDurable: false, default);
        await Eventually.True(() => writer.Recoveries > 0 || chain.Versions.Count > 0);
        await Task.WhenAll(second, third);
        await writer.FlushAsync(default);
        await chain.AllHaveAsync(Filled(3, 500));
    }

    [Fact]
    public async Task AnotherWriterOfTheVersionIsNotTakenForTheFirst()
    {
        await using var chain = new TestChain(1);
        await using var first = chain.Write();
        await await first.BeginAsync(0, Filled(1, 500), isDurable: true, default);
        await using var second = chain.Write();
        await await second.BeginAsync(0, Filled(2, 500), isDurable: true, default);
        Assert.Single(chain.Versions);
        await chain.AllHaveAsync(Filled(2, 500));
    }

    [Fact]
    public async Task ATailThatForgotIsLeftOutAndWhatTheOthersHaveStays()
    {
        await using var chain = new TestChain(3);
        await using var writer = chain.Write();
        await await writer.BeginAsync(0, Filled(1, 5_000), isDurable: true, default);
        await await writer.BeginAsync(0, Filled(2, 5_000), isDurable: false, default);
        var tail = chain.Servers[2];
        await tail.KillAsync(loses: true);
        tail.Start();
        await await writer.BeginAsync(4_000, Filled(3, 500), isDurable: false, default);
        Assert.DoesNotContain(tail, chain.Members);
        var expected = Filled(2, 5_000);
        Filled(3, 500).CopyTo(expected, 4_000);
        await chain.AllHaveAsync(expected);
    }

    [Fact]
    public async Task WhoForgotDoesNotSayThatItIsDurable()
    {
        await using var chain = new TestChain(2);
        await using var writer = chain.Write();
        await await writer.BeginAsync(0, Filled(1, 5_000), isDurable: false, default);
        var tail = chain.Servers[1];
        await tail.KillAsync(loses: true);
        tail.Start();
        await writer.SyncAsync(default);
        Assert.DoesNotContain(tail, chain.Members);
        await chain.AllHaveAsync(Filled(1, 5_000));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task WhatIsSealedIsServedByAllAfterARestartAndElseByTheTail(bool isSealed)
    {
        await using var chain = new TestChain(2);
        var bytes = Filled(1, 2 * ChunkLayout.BlockBytes);
        await using (var writer = chain.Write())
        {
            await writer.BeginAsync(0, bytes, isDurable: true, default);
            await (isSealed ? writer.SealAsync(default) : writer.FlushAsync(default));
        }

        foreach (var server in chain.Servers)
        {
            await server.KillAsync();
            server.Start();
        }

        // As another reader than the tail's.
        var target = chain.Target;
        var head = target with { Servers = [target.Head, new ChunkServerAddress(new ServerId(99), "127.0.0.1:1")] };
        var once = new ChunkReader(chain.Links, new ChunkReaderOptions { RoundsMax = 1 });
        var read = new byte[bytes.Length];
        var atHead = once.ReadAsync(head, chain, 0, read, default).AsTask();
        if (isSealed)
        {
            await atHead;
        }
        else
        {
            await Assert.ThrowsAsync<DistFsException>(() => atHead);
            await once.ReadAsync(target, chain, 0, read, default);
        }

        Assert.Equal(bytes, read);
    }

    [Fact]
    public async Task NothingIsWrittenInASealedVersion()
    {
        await using var chain = new TestChain(2);
        await using var writer = chain.Write();
        await await writer.BeginAsync(0, Filled(1, 500), isDurable: true, default);
        await writer.SealAsync(default);
        await await writer.BeginAsync(0, Filled(2, 500), isDurable: true, default);
        Assert.All(chain.Versions, static version => Assert.Empty(version.Drop));
        Assert.NotEmpty(chain.Versions);
        await chain.AllHaveAsync(Filled(2, 500));
    }

    private static byte[] Filled(byte value, int length)
    {
        var bytes = new byte[length];
        bytes.AsSpan().Fill(value);
        return bytes;
    }
}
