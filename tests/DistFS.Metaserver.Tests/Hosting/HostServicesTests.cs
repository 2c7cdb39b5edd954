using System.Collections.Concurrent;
using DistFS.Metaserver.Hosting;
using DistFS.Metaserver.Services;
using DistFS.Metaserver.Tests.Consensus;
using DistFS.Protocol;
using DistFS.Protocol.GrpcHealth;
using DistFS.Rpc;
using DistFS.Rpc.Frames;
using DistFS.Rpc.Grpc;
using DistFS.Rpc.Services;
using Google.Protobuf;
using ServingStatus = DistFS.Protocol.GrpcHealth.HealthCheckResponse.Types.ServingStatus;

namespace DistFS.Metaserver.Tests.Hosting;

/// <summary>What a metaserver offers beside the metadata: gRPC, health, measurements, an orderly end.</summary>
[Collection(Alone.Name)]
public sealed class HostServicesTests : IAsyncDisposable
{
    private readonly HostCluster _cluster = new();

    public async ValueTask DisposeAsync() => await _cluster.DisposeAsync();

    [Fact]
    public async Task TheSameServicesAreOfferedOverGrpc()
    {
        _cluster.Adopt(0, await MetaserverHost.StartAsync(
            _cluster.Options(0) with { Grpc = RpcAddress.Parse(TestMember.FreeAddress()) }).Soon());
        using var caller = new GrpcCaller(_cluster[0].GrpcAddress!);
        await Eventually.True(() => _cluster[0].Node.State == NodeState.Serving);
        var reply = await caller.CallAsync(AdminMethods.Members, new MembersRequest(), Eventually.Limit);
        Assert.Equal(1UL, Assert.Single(reply.Members).Member);
        foreach (var service in new[] { "", "distfs.v1.Metadata" })
        {
            var health = await caller.CallAsync(
                HealthMethods.Check, new HealthCheckRequest { Service = service }, Eventually.Limit);
            Assert.Equal(ServingStatus.Serving, health.Status);
        }

        Assert.Equal(0, (await caller.CallAsync(
            MetadataMethods.OpenSession,
            new OpenSessionCall { Nonce = 5, LeaseMs = 5000 },
            Eventually.Limit)).Status);

        // And of course its port is told when another has it.
        var error = await Assert.ThrowsAsync<RpcException>(() => MetaserverHost.StartAsync(
            _cluster.Options(1) with { Grpc = _cluster[0].GrpcAddress }).Soon());
        Assert.Equal(ErrorCatalog.ListenFailed, error.Code);
    }

    [Fact]
    public async Task OnlyWhoHasALeaderAndIsUpToDateServes()
    {
        await _cluster.ThreeAsync();
        await Eventually.True(() => _cluster.Running.All(host => host.Node is (NodeState.Serving, "")));
        await _cluster.KillAsync(0);
        await _cluster.KillAsync(1);
        await Eventually.True(() => _cluster[2].Node is (NodeState.Waiting, "waits for a leader"));
        await using var channel = new FrameChannel(_cluster.Address(2));
        var who = await channel.CallAsync(NodeMethods.Describe, new DescribeRequest(), Eventually.Limit);
        Assert.Equal((NodeState.Waiting, "waits for a leader"), (who.State, who.Progress));
        await _cluster.StartAsync(1);
        await Eventually.True(() => _cluster.Running.All(host => host.Node is (NodeState.Serving, "")));
    }

    [Fact]
    public async Task WhatItMeasuresIsToldByName()
    {
        await _cluster.StartAsync(0);
        await using var channel = new FrameChannel(_cluster.Address(0));
        await channel.CallAsync(NodeMethods.Metrics, new MetricsRequest(), Eventually.Limit);
        await using var client = _cluster.Client(5);
        await client.OpenSessionAsync();
        for (var i = 0; i < 3; i++)
        {
            Assert.Equal(FsStatus.Ok, await client.MakeAsync($"{i}"));
        }

        var reply = await channel.CallAsync(NodeMethods.Metrics, new MetricsRequest(), Eventually.Limit);
        Assert.Equal(1, Value("distfs.meta.sessions"));
        Assert.Equal(1, Value("distfs.meta.leader"));
        Assert.True(Value("distfs.meta.applied") >= 5);
        Assert.True(Value("distfs.meta.log.size") > 0);
        Assert.True(Value("distfs.meta.engine.memory") > 0);
        const string Mutate = "{method=\"distfs.v1.Metadata/Mutate\",status=\"OK\"}";
        Assert.True(Value($"distfs.rpc.server.duration.count{Mutate}") >= 3);
        Assert.True(Value($"distfs.rpc.server.duration.sum{Mutate}") > 0);
        Assert.Contains(reply.Values, value =>
            value.Name.StartsWith("distfs.raft.queue.length{", StringComparison.Ordinal));

        double Value(string name) => Assert.Single(reply.Values, value => value.Name == name).Value;
    }

    /// <summary>Whatever is under way when the leader is stopped has an answer, and nothing is done twice.</summary>
    [Fact]
    public async Task ALeaderThatStopsAnswersWhatIsUnderWay()
    {
        await _cluster.ThreeAsync();
        var leader = _cluster.Leader;
        await using var client = _cluster.Client(5);
        await client.OpenSessionAsync();
        await using var channel = new FrameChannel(_cluster.Address(leader));
        var outcomes = new List<Task<string>>();
        for (ulong i = 1; i <= 64; i++)
        {
            outcomes.Add(MutateAsync(channel, client.Session, i));
        }

        await Task.WhenAny(outcomes);
        await _cluster.StopAsync(leader);
        var results = await Task.WhenAll(outcomes).WaitAsync(Eventually.Limit);

        // Done, or not begun and sent elsewhere: but nobody is left without a word.
        string[] answers = ["0", "1330", "DFS1330", "DFS1201", "DFS1210", "DFS1212"];
        Assert.All(results, result => Assert.Contains(result, answers));
        Assert.Contains("0", results);
        var names = await client.ListAsync();
        Assert.Equal(names.Count, names.Distinct().Count());
        Assert.True(names.Count >= results.Count(result => result == "0"));
    }

    [Fact]
    public async Task WhoWatchesDoesNotHoldUpAStop()
    {
        await _cluster.StartAsync(0);
        await using var channel = new FrameChannel(_cluster.Address(0));
        var events = new ConcurrentQueue<NodeState>();
        var watching = Task.Run(async () =>
        {
            await foreach (var happened in channel.StreamAsync(
                NodeMethods.Watch, new WatchRequest { IntervalMs = 60_000 }, new CallOptions(Eventually.Limit)))
            {
                events.Enqueue(happened.State);
            }
        });
        await Eventually.True(() => events.Contains(NodeState.Serving));
        var from = Environment.TickCount64;
        await _cluster.StopAsync(0);
        Assert.InRange(Environment.TickCount64 - from, 0, 2500);
        await watching.WaitAsync(Eventually.Limit);
        Assert.Equal(NodeState.Stopping, events.Last());
    }

    private static async Task<string> MutateAsync(FrameChannel channel, ulong session, ulong number)
    {
        try
        {
            var reply = await channel.CallAsync(
                MetadataMethods.Mutate,
                new MutateCall { Client = session, Sequence = number, Request = Make(number).ToByteString() },
                Eventually.Limit);
            return $"{reply.Code}";
        }
        catch (RpcException e)
        {
            return e.Code.Id;
        }
    }

    private static MutateRequest Make(ulong number) => new()
    {
        Operations =
        {
            new Operation
            {
                Caller = MetaClient.Root,
                Make = new MakeRequest { Parent = 1, Name = ByteString.CopyFromUtf8($"{number}"), Kind = 8 },
            },
        },
    };
}
