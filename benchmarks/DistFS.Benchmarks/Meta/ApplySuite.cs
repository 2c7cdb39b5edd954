using System.Globalization;
using DistFS.Metaserver.State;
using DistFS.Primitives;
using DistFS.Protocol;
using DistFS.Raft;
using DistFS.TestCluster;
using Google.Protobuf;

namespace DistFS.Benchmarks.Meta;

/// <summary>
/// What one member's apply lane costs: the state machine over its engine on a disk, on one thread, without log, wire
/// and other members. Processor time of that thread, so that other work on the machine hardly matters.
/// </summary>
internal sealed class ApplySuite : IDisposable
{
    private const int Sessions = 64;

    private readonly ClusterId _cluster = new(new UInt128(1, 2));
    private readonly string _folder;
    private readonly MetadataState _state;
    private readonly ulong[] _directories = new ulong[Sessions];
    private readonly ulong[] _sessions = new ulong[Sessions];
    private readonly ulong[] _sequences = new ulong[Sessions];
    private ulong _index;

    private ApplySuite(string folder)
    {
        _folder = folder;
        Directory.CreateDirectory(folder);
        _state = MetadataState.Open(folder, _cluster);
    }

    /// <summary>Measures, and adds the figures to a report.</summary>
    /// <param name="report">Gets microseconds per operation.</param>
    /// <param name="folder">For the state.</param>
    /// <param name="operations">Of one measurement.</param>
    /// <param name="group">Entries between two writes to the engine.</param>
    public static void Run(Report report, string folder, int operations, int group)
    {
        using var suite = new ApplySuite(folder);
        suite.Prepare();

        // The first round makes the code, and the state.
        List<double> creates = [], renames = [], unlinks = [];
        for (var round = 0; round <= 4; round++)
        {
            var first = round * operations;
            var rounds = round == 0 ? [] : creates;
            rounds.Add(suite.Measure(first, operations, group, static (directory, name) =>
                Names.Create(directory, name)));
            (round == 0 ? [] : renames).Add(suite.Measure(first, operations / 2, group, static (directory, name) =>
                Names.Rename(directory, name, directory, name + "-new")));
            (round == 0 ? [] : unlinks).Add(suite.Measure(first, operations / 2, group, static (directory, name) =>
                Names.Unlink(directory, name + "-new")));
        }

        report.Add($"creates, {group} per write to the engine", "us/op", creates);
        report.Add($"renames, {group} per write to the engine", "us/op", renames);
        report.Add($"unlinks, {group} per write to the engine", "us/op", unlinks);
    }

    public void Dispose()
    {
        _state.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    private void Prepare()
    {
        Expect(Apply(new MetadataCommand
        {
            Bootstrap = new BootstrapRequest { ClusterHigh = 1, ClusterLow = 2, Mode = 0x1FF, NameKeyHigh = 3 },
        }));
        for (var session = 0; session < Sessions; session++)
        {
            var opened = Expect(Apply(new MetadataCommand
            {
                OpenSession = new OpenSessionRequest { Nonce = Nonce(session), LeaseMs = 3_600_000 },
            }));
            _sessions[session] = opened.OpenSession.Client;
            var reply = Expect(Apply(Mutate(session, Names.MakeDirectory(Names.RootDirectory, $"d{session}"))));
            _directories[session] = reply.Mutate.Replies[0].Attributes.Inode;
        }

        _state.Publish();
    }

    /// <summary>Processor time per operation, in microseconds.</summary>
    private double Measure(int first, int count, int group, Func<ulong, string, Operation> operation)
    {
        // Commands as they come out of the log, made before.
        var commands = Enumerable.Range(first, count)
            .Select(number => (Session: number % Sessions, Name: $"a-file-{number:D8}"))
            .Select(file => Mutate(file.Session, operation(_directories[file.Session], file.Name)).ToByteArray())
            .ToList();
        var start = ProcessorTimeOfThread();
        for (var i = 0; i < commands.Count; i++)
        {
            Apply(commands[i]);
            if ((i + 1) % group == 0)
            {
                _state.Publish();
            }
        }

        var used = ProcessorTimeOfThread() - start;
        _state.Publish();
        return used.TotalMicroseconds / count;
    }

    private MetadataCommand Mutate(int session, Operation operation) => new()
    {
        LeaderTime = new Time { Seconds = 1_700_000_000 },
        Client = _sessions[session],
        Sequence = ++_sequences[session],
        Acknowledged = _sequences[session] - 1,
        Mutate = new MutateRequest { Operations = { operation } }.ToByteString(),
    };

    // As clients draw them: anywhere.
    private static ulong Nonce(int session) => (ulong)(session + 1) * 0x9E37_79B9_7F4A_7C15;

    private ReadOnlyMemory<byte> Apply(MetadataCommand command) => Apply(command.ToByteArray());

    private ReadOnlyMemory<byte> Apply(byte[] command) =>
        _state.Apply(new RaftEntry
        {
            Id = new EntryId(new Term(1), new LogIndex(++_index)),
            Kind = EntryKind.Command,
            Data = command,
        });

    private static MetadataReply Expect(ReadOnlyMemory<byte> bytes)
    {
        var reply = MetadataReply.Parser.ParseFrom(bytes.Span);
        return reply.Status == 0 && (reply.Mutate == null || reply.Mutate.Replies[0].Status == 0)
            ? reply : throw new InvalidOperationException(reply.ToString());
    }

    /// <summary>proc(5), schedstat: nanoseconds on a processor come first.</summary>
    private static TimeSpan ProcessorTimeOfThread() => TimeSpan.FromMicroseconds(
        long.Parse(
            File.ReadAllText("/proc/thread-self/schedstat").Split(' ')[0], CultureInfo.InvariantCulture) / 1000.0);
}
