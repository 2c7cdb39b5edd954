using System.Net;
using System.Net.Sockets;
using DistFS.Metaserver.Consensus;
using DistFS.Protocol;
using DistFS.Rpc;
using DistFS.Rpc.Frames;

namespace DistFS.Metaserver.Tests.Consensus;

/// <summary>Messages over frames on loopback: what arrives, and what is refused.</summary>
public sealed class RaftTransportTests
{
    private static readonly ClusterId Cluster = new(UInt128.MaxValue - 5);
    private static readonly MemberId One = new(1);
    private static readonly MemberId Two = new(2);

    [Fact]
    public async Task MessagesOfALaneArriveWholeAndInOrder()
    {
        await using var pair = new Pair();
        var data = new byte[300_000];
        new Prng(5).Fill(data);
        for (ulong i = 0; i < 500; i++)
        {
            pair.Sender.Send(new Heartbeat
            {
                From = One,
                To = Two,
                Term = new Term(3),
                Commit = new LogIndex(i),
                ReadRound = i,
            });
            if (i % 100 == 0)
            {
                pair.Sender.Send(new AppendRequest
                {
                    From = One,
                    To = Two,
                    Term = new Term(3),
                    Previous = default,
                    Commit = default,
                    Entries = [new RaftEntry { Id = new EntryId(new Term(3), new LogIndex(1)), Data = data }],
                });
            }

            pair.Sender.Flush();
        }

        await Eventually.True(() => pair.Inbox.All.Length == 505);
        Assert.Equal(
            Enumerable.Range(0, 500).Select(i => (ulong)i),
            pair.Inbox.All.OfType<Heartbeat>().Select(beat => beat.ReadRound));
        Assert.All(
            pair.Inbox.All.OfType<AppendRequest>(), append => Assert.Equal(data, append.Entries[0].Data.ToArray()));
    }

    [Fact]
    public async Task MessagesDoNotOvertakeEachOtherWhoeverFlushes()
    {
        // The core's thread, the disk's and those of replies all flush.
        // Each message is a call of its own here, so that every one can be overtaken.
        const ulong Count = 20_000;
        await using var pair = new Pair(
            change: options => options with { BatchBytesMax = 1, CallsMax = 256, QueueBytesMax = 1 << 30 });
        var gate = new Lock();
        var next = 0UL;
        void AddAndFlush()
        {
            while (true)
            {
                lock (gate)
                {
                    if (next == Count)
                    {
                        return;
                    }

                    pair.Sender.Send(new Heartbeat
                    {
                        From = One,
                        To = Two,
                        Term = new Term(3),
                        Commit = default,
                        ReadRound = next++,
                    });
                }

                pair.Sender.Flush();
            }
        }

        await Task.WhenAll(Enumerable.Range(0, 4).Select(
            _ => Task.Factory.StartNew(AddAndFlush, TaskCreationOptions.LongRunning))).WaitAsync(Eventually.Limit);
        await Eventually.True(() => pair.Inbox.All.Length == (int)Count);
        Assert.Empty(pair.SenderInbox.Lost);
        Assert.Equal(
            Enumerable.Range(0, (int)Count).Select(i => (ulong)i),
            pair.Inbox.All.Cast<Heartbeat>().Select(beat => beat.ReadRound));
    }

    [Fact]
    public async Task AnotherClusterAndAnotherMemberAreRefused()
    {
        await using var pair = new Pair();
        await using var caller = new FrameChannel(pair.Address);
        var request = new DeliverRequest { ClusterHigh = 1, ClusterLow = 2, From = 1, To = 2 };
        await AssertRefused(ErrorCatalog.ClusterForeign, caller, request);
        request = Request(to: 3);
        await AssertRefused(ErrorCatalog.ClusterForeign, caller, request);
        Assert.Empty(pair.Inbox.All);
    }

    [Fact]
    public async Task AMessageForOrOfSomebodyElseIsRefused()
    {
        await using var pair = new Pair();
        await using var caller = new FrameChannel(pair.Address);
        var batch = new MessageBatch();
        batch.Add(new TimeoutNow { From = new MemberId(9), To = Two, Term = new Term(1) });
        await AssertRefused(ErrorCatalog.ClusterForeign, caller, Request(), batch.Memory);
        Assert.Empty(pair.Inbox.All);
    }

    [Fact]
    public async Task WhatCannotBeReadIsRefusedAndNothingOfItUsed()
    {
        await using var pair = new Pair();
        await using var caller = new FrameChannel(pair.Address);
        var batch = new MessageBatch();
        batch.Add(new TimeoutNow { From = One, To = Two, Term = new Term(1) });
        var bytes = batch.Memory.ToArray();
        var longer = bytes.Concat(bytes).ToArray();

        // The version of the second message is one that does not exist yet.
        longer[bytes.Length + sizeof(uint)] = 99;
        await AssertRefused(ErrorCatalog.ConsensusVersion, caller, Request(), longer);
        await AssertRefused(ErrorCatalog.ConsensusVersion, caller, Request(), bytes.AsMemory(0, bytes.Length - 1));
        Assert.Empty(pair.Inbox.All);
        using var reply = await caller.CallAsync(RaftMethods.Deliver, Request(),
            new CallOptions(Eventually.Limit, bytes));
        Assert.Single(pair.Inbox.All);
    }

    [Fact]
    public async Task AMemberThatIsNotThereIsReportedAndReachedOnceItIs()
    {
        var address = TestMember.FreeAddress();
        var inbox = new Inbox();
        await using var sender = Transport(One, "127.0.0.1:1");
        sender.DeliverTo(inbox);
        sender.Follow(new RaftConfiguration([new RaftMember(Two, default, address)]));
        var beat = new Heartbeat { From = One, To = Two, Term = new Term(1), Commit = default, ReadRound = 0 };
        await Eventually.True(() =>
        {
            sender.Send(beat);
            sender.Flush();
            return inbox.AreGone.Contains(Two);
        });
        await using var pair = new Pair(address);
        await Eventually.True(() =>
        {
            sender.Send(beat);
            sender.Flush();
            return pair.Inbox.All.Length > 0;
        });
    }

    /// <summary>The kernel closes what a dead process had open; the next attempt finds nobody.</summary>
    [Fact]
    public async Task AMemberWhoseProcessEndsIsReportedAsGoneAtOnce()
    {
        await using var pair = new Pair();
        pair.Sender.Send(new TimeoutNow { From = One, To = Two, Term = new Term(1) });
        pair.Sender.Flush();
        await Eventually.True(() => pair.Inbox.All.Length == 1);
        Assert.Empty(pair.SenderInbox.AreGone);
        await pair.EndReceiverAsync();
        await Eventually.True(() => pair.SenderInbox.AreGone.Contains(Two));
        Assert.Empty(pair.SenderInbox.Lost);
    }

    /// <summary>
    /// The kernel closes a dead process's connections before its listener: who knocks between the two is let in and
    /// reset, which says nothing.
    /// </summary>
    [Fact]
    public async Task AMemberWhoseListenerOutlivesItsConnectionsIsReportedAsGoneToo()
    {
        await using var pair = new Pair();
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        await using var sender = Transport(One, "127.0.0.1:1");
        var inbox = new Inbox();
        sender.DeliverTo(inbox);
        sender.Follow(new RaftConfiguration([new RaftMember(Two, default, $"{listener.LocalEndpoint}")]));
        sender.Send(new TimeoutNow { From = One, To = Two, Term = new Term(1) });
        sender.Flush();
        using (var connection = await listener.AcceptSocketAsync().WaitAsync(Eventually.Limit))
        {
            using var onward = new TcpClient();
            await onward.ConnectAsync(IPEndPoint.Parse(pair.Address.ToString()));
            await RelayAsync(connection, onward.Client, () => pair.Inbox.All.Length == 1);
        }

        for (var knocks = 0; knocks < 2; knocks++)
        {
            using var knock = await listener.AcceptSocketAsync().WaitAsync(Eventually.Limit);
            knock.LingerState = new LingerOption(enable: true, seconds: 0);
        }

        Assert.Empty(inbox.AreGone);
        listener.Stop();
        await Eventually.True(() => inbox.AreGone.Contains(Two));
    }

    [Fact]
    public async Task AFullInboxRefusesAndTheSenderHearsOfIt()
    {
        await using var pair = new Pair();
        pair.Inbox.IsFull = true;
        await Eventually.True(() =>
        {
            pair.Sender.Send(new TimeoutNow { From = One, To = Two, Term = new Term(1) });
            pair.Sender.Flush();
            return pair.SenderInbox.Lost.Contains(Two);
        });
        Assert.Empty(pair.Inbox.All);
    }

    private static DeliverRequest Request(ulong to = 2) => new()
    {
        ClusterHigh = (ulong)(Cluster.Value >> 64),
        ClusterLow = (ulong)Cluster.Value,
        From = 1,
        To = to,
    };

    private static async Task RelayAsync(Socket one, Socket other, Func<bool> until)
    {
        using var stop = new CancellationTokenSource();
        await using var near = new NetworkStream(one);
        await using var far = new NetworkStream(other);
        var both = Task.WhenAll(near.CopyToAsync(far, stop.Token), far.CopyToAsync(near, stop.Token));
        await Eventually.True(until);
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => both);
    }

    private static async Task AssertRefused(
        ErrorCode code, FrameChannel caller, DeliverRequest request, ReadOnlyMemory<byte> payload = default)
    {
        var error = await Assert.ThrowsAsync<RpcException>(async () =>
        {
            using var reply = await caller.CallAsync(RaftMethods.Deliver, request,
                new CallOptions(Eventually.Limit, payload));
        });
        Assert.Equal(code, error.Code);
    }

    private static RaftTransport Transport(
        MemberId self, string address, Func<RaftTransportOptions, RaftTransportOptions>? change = null)
    {
        var options = new RaftTransportOptions { Cluster = Cluster, Self = self, Address = address };
        return new(change?.Invoke(options) ?? options);
    }

    private sealed class Inbox : IRaftInbox
    {
        private readonly Lock _gate = new();
        private readonly List<RaftMessage> _messages = [];
        private readonly HashSet<MemberId> _lost = [];
        private readonly HashSet<MemberId> _gone = [];

        public bool IsFull { get; set; }

        public RaftMessage[] All
        {
            get
            {
                lock (_gate)
                {
                    return [.. _messages];
                }
            }
        }

        public HashSet<MemberId> Lost
        {
            get
            {
                lock (_gate)
                {
                    return [.. _lost];
                }
            }
        }

        public HashSet<MemberId> AreGone
        {
            get
            {
                lock (_gate)
                {
                    return [.. _gone];
                }
            }
        }

        public bool Receive(IReadOnlyList<RaftMessage> messages, int bytes)
        {
            lock (_gate)
            {
                if (!IsFull)
                {
                    _messages.AddRange(messages);
                }

                return !IsFull;
            }
        }

        public void Unreachable(MemberId member)
        {
            lock (_gate)
            {
                _lost.Add(member);
            }
        }

        public void Gone(MemberId member)
        {
            lock (_gate)
            {
                _gone.Add(member);
            }
        }
    }

    /// <summary>Member 1, which sends, and member 2, which listens.</summary>
    private sealed class Pair : IAsyncDisposable
    {
        private readonly RaftTransport _receiver;
        private readonly FrameServer _server;

        public Pair(
            string? address = null, Func<RaftTransportOptions, RaftTransportOptions>? change = null)
        {
            Address = RpcAddress.Parse(address ?? TestMember.FreeAddress());
            _receiver = Transport(Two, Address.ToString());
            _receiver.DeliverTo(Inbox);
            var dispatcher = new RpcDispatcher();
            _receiver.AddTo(dispatcher);
            _server = FrameServer.Start(dispatcher, new FrameServerOptions { Listen = [Address] });
            Sender = Transport(One, "127.0.0.1:1", change);
            Sender.DeliverTo(SenderInbox);
            Sender.Follow(new RaftConfiguration([new RaftMember(Two, default, Address.ToString())]));
        }

        public RpcAddress Address { get; }

        public Inbox Inbox { get; } = new();

        public Inbox SenderInbox { get; } = new();

        public RaftTransport Sender { get; }

        public ValueTask EndReceiverAsync() => _server.DisposeAsync();

        public async ValueTask DisposeAsync()
        {
            await Sender.DisposeAsync();
            await _server.DisposeAsync();
            await _receiver.DisposeAsync();
        }
    }
}
