using DistFS.Blocks;
using DistFS.Chunks;
using DistFS.Client.Chunks;
using DistFS.Protocol;
using DistFS.Rpc;
using DistFS.Rpc.Services;

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

    /// <summary>What is on its disk need not be what was replied to: nobody is made like it, nobody reads it.</summary>
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    public async Task WhoForgotIsNotReadAndNotComparedWith(int place)
    {
        await using var chain = new TestChain(3);
        await using var writer = chain.Write();
        await await writer.BeginAsync(0, Filled(1, 5_000), isDurable: true, default);
        await await writer.BeginAsync(0, Filled(2, 5_000), isDurable: false, default);
        var server = chain.Servers[place];
        await server.KillAsync(loses: true);
        server.Start();
        Assert.True(server.Store.TryGet(chain.Target.Chunk, out var info) && info.IsUnclean);
        for (var version = info.Version.Value; version <= info.Version.Value + 1; version++)
        {
            var name = new ChunkName { Chunk = info.Chunk.Value, Version = version, StoredLength = 5_000 };
            foreach (var (atTail, forCopy) in new[] { (true, false), (false, true), (false, false) })
            {
                // Whole blocks, a range, and a range of what it lacks: zeros would be an answer too.
                foreach (var (block, range) in new[] { (0u, 0u), (0u, 512u), (1u, 512u) })
                {
                    var read = new ReadChunkRequest
                    {
                        Name = name,
                        Server = server.Self.Value,
                        FirstBlock = block,
                        Blocks = 1,
                        RangeLength = range,
                        AtTail = atTail,
                        ForCopy = forCopy,
                    };
                    await RefusedAsync(() => chain.Links.To(server.Address.Address)
                        .CallAsync(ChunkDataMethods.Read, read, TimeSpan.FromSeconds(5)).AsTask());
                }
            }

            var digest = new DigestChunkRequest { Name = name, Server = server.Self.Value };
            await RefusedAsync(() => chain.Links.To(server.Address.Address)
                .CallAsync(ChunkDataMethods.Digest, digest, TimeSpan.FromSeconds(5)).AsTask());
        }

        // The leader's fence does not change that, unless it says that this one counts.
        await server.Open.FenceAsync([new VersionFence(info.Chunk, new ChunkVersion(2), 5_000)]);
        Assert.Null(server.Open.Find(info.Chunk));
        Assert.True(server.Store.TryGet(info.Chunk, out info) && info.IsUnclean);
        await server.Open.FenceAsync(
            [new VersionFence(info.Chunk, new ChunkVersion(2), 5_000, Counts: true, IsSealed: true)]);
        Assert.NotNull(server.Open.Find(info.Chunk));

        static async Task RefusedAsync(Func<Task> call) =>
            Assert.Equal(ErrorCatalog.ChunkDirty, (await Assert.ThrowsAsync<RpcException>(call)).Code);
    }

    /// <summary>It started again, and lacks nothing: it takes writes, as the tail too.</summary>
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    public async Task WhoStartedAgainAndForgotNothingIsAMemberOfTheNextVersion(int place)
    {
        await using var chain = new TestChain(3);
        var first = Filled(1, 5_000);
        await using (var writer = chain.Write())
        {
            await await writer.BeginAsync(0, first, isDurable: true, default);
        }

        var server = chain.Servers[place];
        await server.KillAsync(loses: true);
        server.Start();
        await chain.BeginVersionAsync(chain.Target, 5_000, [], default);
        await using var next = chain.Write();
        await await next.BeginAsync(4_000, Filled(3, 500), isDurable: false, default);
        Assert.Contains(server, chain.Members);
        Filled(3, 500).CopyTo(first, 4_000);
        await chain.AllHaveAsync(first);
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

    /// <summary>
    /// The cluster takes a server out of a sealed chunk, and a reader is the first who tells the others: each of them
    /// serves on, after a restart too. Who is not sealed does not become so by that.
    /// </summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task WhatIsSealedStaysSealedInASealedVersionThatAReaderTells(bool isSealed)
    {
        await using var chain = new TestChain(3);
        var bytes = Filled(1, 2 * ChunkLayout.BlockBytes);
        await using (var writer = chain.Write())
        {
            await writer.BeginAsync(0, bytes, isDurable: true, default);
            await (isSealed ? writer.SealAsync(default) : writer.FlushAsync(default));
        }

        // The last one goes. Two servers are told the version by whoever reads.
        var next = chain.Target with
        {
            Version = new ChunkVersion(2),
            StoredLength = (uint)bytes.Length,
            IsSealed = true,
            Servers = [.. chain.Target.Servers.Take(2)],
        };
        var once = new ChunkReader(chain.Links, new ChunkReaderOptions { RoundsMax = 1 });
        var read = new byte[bytes.Length];
        for (var run = 0; run < 2; run++)
        {
            foreach (var server in chain.Servers.Take(2))
            {
                // As somebody before the tail.
                var other = new ChunkServerAddress(new ServerId(99), "127.0.0.1:1");
                var reading = once.ReadAsync(next with { Servers = [server.Address, other] }, chain, 0, read, default);
                if (isSealed || run == 0)
                {
                    await reading;
                    Assert.Equal(bytes, read);
                }
                else
                {
                    await Assert.ThrowsAsync<DistFsException>(() => reading.AsTask());
                }

                Assert.True(server.Store.TryGet(next.Chunk, out var info));
                Assert.Equal((2u, isSealed), (info.Version.Value, info.IsSealed));
                Assert.Equal(isSealed || run > 0, server.Open.Find(next.Chunk) == null);
            }

            foreach (var server in chain.Servers)
            {
                await server.KillAsync();
                server.Start();
            }

            next = next with
            {
                Servers = [.. next.Servers.Select(known =>
                    chain.Servers.Single(server => server.Self == known.Id).Address)],
            };
        }
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
