using System.Buffers;

namespace DistFS.Raft.Tests.Harness;

/// <summary>Members and the wire between them, on which nothing moves unless the test moves it.</summary>
internal sealed class TestCluster
{
    private readonly List<TestNode> _nodes = [];
    private readonly HashSet<(MemberId From, MemberId To)> _cut = [];
    private ulong _snapshots;

    /// <summary>Voters m1, m2, ..., then learners, then spares, who wait to be added.</summary>
    public TestCluster(
        int voters, int learners = 0, int spares = 0, Func<RaftOptions, RaftOptions>? options = null, ulong seed = 0)
    {
        Seed = seed;
        Bootstrap = Configuration(
            Enumerable.Range(1, voters).Select(i => (ulong)i),
            Enumerable.Range(voters + 1, learners).Select(i => (ulong)i));
        for (var i = 1; i <= voters + learners + spares; i++)
        {
            var own = new RaftOptions
            {
                Self = new MemberId((ulong)i),
                Store = StoreOf((ulong)i),
                ElectionTicks = 10,
                HeartbeatTicks = 2,
            };
            var bootstrap = i <= voters + learners ? Bootstrap : RaftConfiguration.Empty;
            _nodes.Add(new TestNode(this, options?.Invoke(own) ?? own, bootstrap));
        }
    }

    public ulong Seed { get; }

    public Oracle Oracle { get; } = new();

    public RaftConfiguration Bootstrap { get; }

    public IReadOnlyList<TestNode> Nodes => _nodes;

    /// <summary>What is on its way, oldest first.</summary>
    public List<RaftMessage> Wire { get; } = [];

    /// <summary>Told of everything that happens.</summary>
    public Action<string>? Transcript { get; set; }

    public TestNode this[int id] => _nodes[id - 1];

    /// <summary>The leader of the latest term, if anybody leads.</summary>
    public TestNode? Leader => _nodes
        .Where(node => !node.IsDown && node.Core.Role == RaftRole.Leader)
        .MaxBy(node => node.Core.Status.Term);

    public static StoreId StoreOf(ulong id) => new(0xA00 + id);

    public static RaftConfiguration Configuration(IEnumerable<ulong> voters, IEnumerable<ulong>? learners = null) =>
        new(
        voters.Select(id => Member(id, MemberRole.Voter))
            .Concat((learners ?? []).Select(id => Member(id, MemberRole.Learner))));

    public ulong NextSnapshotId() => ++_snapshots;

    public void Note(string text) => Transcript?.Invoke(text);

    /// <summary>Through the codec, so that what cannot be told is not told.</summary>
    public void Send(TestNode from, RaftMessage message)
    {
        Oracle.Sends(from, message);
        if (message is SnapshotPiece piece)
        {
            if (from.Storage.Snapshot?.Id != piece.Snapshot.Id)
            {
                return;
            }

            message = piece with { Data = from.Storage.SnapshotBytes.AsMemory((int)piece.Offset, piece.Length) };
        }

        var output = new ArrayBufferWriter<byte>();
        RaftCodec.WriteMessage(message, output);
        Assert.True(RaftCodec.TryReadMessage(output.WrittenSpan.ToArray(), out var read, out var fault), fault);
        if (!_cut.Contains((message.From, message.To)))
        {
            Wire.Add(read);
        }
    }

    /// <summary>Delivers those of the first <paramref name="count"/> messages on the wire that fit.</summary>
    public int Deliver(Func<RaftMessage, bool>? which = null, int count = int.MaxValue)
    {
        var taken = Take(which, count);
        foreach (var message in taken)
        {
            Arrive(message);
        }

        return taken.Count;
    }

    public int Deliver(int from, int to, int count = int.MaxValue) => Deliver(Between(from, to), count);

    public List<RaftMessage> Take(Func<RaftMessage, bool>? which = null, int count = int.MaxValue)
    {
        var taken = Wire.Where(message => which?.Invoke(message) ?? true).Take(count).ToList();
        taken.ForEach(message => Wire.Remove(message));
        return taken;
    }

    public void Arrive(RaftMessage message)
    {
        if (message.To.Value is var to && to >= 1 && to <= (ulong)_nodes.Count && !this[(int)to].IsDown)
        {
            this[(int)to].Step(message);
        }
    }

    public static Func<RaftMessage, bool> Between(int from, int to) =>
        message => message.From.Value == (ulong)from && message.To.Value == (ulong)to;

    /// <summary>Until nothing is on the wire any more.</summary>
    public void Stabilize()
    {
        for (var i = 0; Wire.Count > 0; i++)
        {
            Assert.True(i < 2000, $"the members never stop talking: {string.Join("; ", Wire.Take(5))}");
            Deliver();
        }
    }

    /// <summary>Time passes for all, and everything arrives.</summary>
    public void Run(int ticks)
    {
        for (var i = 0; i < ticks; i++)
        {
            foreach (var node in _nodes)
            {
                node.Tick();
            }

            Stabilize();
        }
    }

    /// <summary>That member's time-out passes, and it asks for votes; the others hear nothing of time.</summary>
    public void Campaign(int id)
    {
        var node = this[id];
        node.Events.Clear();
        for (var i = 0; i < 3 * node.Options.ElectionTicks && !node.Saw(RaftEventKind.PreCandidate); i++)
        {
            node.Tick();
        }

        Assert.True(node.Saw(RaftEventKind.PreCandidate), $"{node.Id} does not campaign");
    }

    /// <summary>Lets that member win an election in which everybody that is up helps.</summary>
    public TestNode Elect(int id)
    {
        // Whoever heard a leader lately helps nobody (4.2.3).
        foreach (var node in _nodes.Where(node => node.Id.Value != (ulong)id))
        {
            node.Tick(node.Options.ElectionTicks);
        }

        Take();
        Campaign(id);
        Stabilize();
        Assert.Equal(RaftRole.Leader, this[id].Core.Role);
        return this[id];
    }

    public void Cut(int a, int b)
    {
        CutOneWay(a, b);
        CutOneWay(b, a);
    }

    public void CutOneWay(int from, int to)
    {
        _cut.Add((this[from].Id, this[to].Id));
        Wire.RemoveAll(new Predicate<RaftMessage>(Between(from, to)));
    }

    public void Isolate(int id)
    {
        foreach (var other in _nodes.Where(other => other.Id.Value != (ulong)id))
        {
            Cut(id, (int)other.Id.Value);
        }
    }

    public void Heal() => _cut.Clear();

    private static RaftMember Member(ulong id, MemberRole role) =>
        new(new MemberId(id), StoreOf(id), $"h{id}:7000", role);
}
