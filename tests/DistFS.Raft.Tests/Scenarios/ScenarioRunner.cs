using DistFS.Raft.Tests.Harness;

namespace DistFS.Raft.Tests.Scenarios;

/// <summary>Does one command after the other and collects what happens.</summary>
internal sealed class ScenarioRunner
{
    private readonly List<string> _output = [];
    private TestCluster? _cluster;
    private bool _isQuiet;

    private TestCluster Cluster => _cluster ?? throw new FormatException("a scenario starts with 'nodes'");

    public List<string> TakeOutput()
    {
        List<string> taken = _output.Count == 0 ? ["ok"] : [.. _output];
        _output.Clear();
        return taken;
    }

    public void Do(string line)
    {
        var words = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        _isQuiet = words[^1] == "quietly";
        words = _isQuiet ? words[..^1] : words;
        var (command, rest) = (words[0], words[1..]);
        if (command == "nodes")
        {
            Nodes(rest);
        }
        else if (!OfTime(command, rest) && !OfTheWire(command, rest) && !OfOneMember(command, rest)
            && !OfLooking(command, rest))
        {
            throw new FormatException($"'{line}' is no command");
        }
    }

    private void Nodes(string[] rest)
    {
        int One(string name, int otherwise) =>
            Scenario.Numbers(rest, name) is [var number, ..] ? (int)number : otherwise;
        _cluster = new TestCluster(
            int.Parse(rest[0], System.Globalization.CultureInfo.InvariantCulture), One("learners", 0), One("spares", 0),
            options => options with
            {
                AppendBytesMax = One("append", (int)options.AppendBytesMax),
                InflightAppendsMax = One("inflight", options.InflightAppendsMax),
                SnapshotPieceBytes = One("piece", 40),
                SnapshotPiecesInflight = One("pieces", 2),
                CommandBytesMax = One("command", options.CommandBytesMax),
                UncommittedBytesMax = One("uncommitted", (int)options.UncommittedBytesMax),
                PromotionLagMax = (ulong)One("lag", (int)options.PromotionLagMax),
            })
        {
            Transcript = Print,
        };
    }

    private bool OfTime(string command, string[] rest)
    {
        switch (command)
        {
            case "tick" when rest[0] == "all":
                foreach (var node in Cluster.Nodes)
                {
                    node.Tick(Count(rest, 1));
                }

                return true;
            case "tick": Node(rest).Tick(Count(rest, 1)); return true;
            case "run": Cluster.Run(Count(rest, 0)); return true;
            case "campaign": Cluster.Campaign(Scenario.Member(rest[0])); return true;
            case "elect": Cluster.Elect(Scenario.Member(rest[0])); return true;
            default: return false;
        }
    }

    private bool OfTheWire(string command, string[] rest)
    {
        switch (command)
        {
            case "stabilize": Cluster.Stabilize(); return true;
            case "deliver":
                foreach (var message in Cluster.Take(Scenario.Link(rest[0]), Count(rest, 1, int.MaxValue)))
                {
                    Print(Show.Message(message));
                    Cluster.Arrive(message);
                }

                return true;
            case "drop":
                foreach (var message in Cluster.Take(Scenario.Link(rest[0]), Count(rest, 1, int.MaxValue)))
                {
                    Print($"lost: {Show.Message(message)}");
                }

                return true;
            case "duplicate": Cluster.Wire.AddRange(Cluster.Wire.Where(Scenario.Link(rest[0])).ToList()); return true;
            case "reverse": Cluster.Wire.Reverse(); return true;
            case "isolate": Cluster.Isolate(Scenario.Member(rest[0])); return true;
            case "cut" when rest[0].Contains("->", StringComparison.Ordinal):
                Cluster.CutOneWay(Scenario.Member(rest[0].Split("->")[0]), Scenario.Member(rest[0].Split("->")[1]));
                return true;
            case "cut": Cluster.Cut(Scenario.Member(rest[0]), Scenario.Member(rest[1])); return true;
            case "heal": Cluster.Heal(); return true;
            case "wire": Cluster.Wire.ForEach(message => Print(Show.Message(message))); return true;
            default: return false;
        }
    }

    private bool OfOneMember(string command, string[] rest)
    {
        switch (command)
        {
            case "propose" when rest[1].StartsWith("bytes=", StringComparison.Ordinal):
                Tell(Node(rest).Propose(new byte[Scenario.Numbers(rest, "bytes")[0]]));
                return true;
            case "propose": Array.ForEach(rest[1..], text => Tell(Node(rest).Propose(text))); return true;
            case "read": Tell(Node(rest).Read((ulong)Count(rest, 1))); return true;
            case "transfer": Tell(Node(rest).Transfer(Cluster[Scenario.Member(rest[1])])); return true;
            case "membership":
                Tell(Node(rest).ChangeMembership(TestCluster.Configuration(
                    Scenario.Numbers(rest, "voters"), Scenario.Numbers(rest, "learners"))));
                return true;
            case "unreachable":
                Node(rest).Core.Unreachable(Cluster[Scenario.Member(rest[1])].Id);
                Node(rest).Pump();
                return true;
            case "gone":
                Node(rest).Core.Gone(Cluster[Scenario.Member(rest[1])].Id);
                Node(rest).Pump();
                return true;
            case "hold": Node(rest).HoldsDisk = true; return true;
            case "persist": Node(rest).Persist(); return true;
            case "release": Node(rest).Release(); return true;
            case "compact": Node(rest).Compact((ulong)Count(rest, 1, 0)); return true;
            case "crash": Node(rest).Crash(Count(rest, 1, 0)); return true;
            case "restart": Node(rest).Restart(); return true;
            case "wipe": Node(rest).Wipe(); return true;
            case "lose":
                Node(rest).Crash();
                Node(rest).Storage.LoseAfter(new LogIndex((ulong)Count(rest, 1)));
                Node(rest).Restart();
                return true;
            default: return false;
        }
    }

    private bool OfLooking(string command, string[] rest)
    {
        switch (command)
        {
            case "status":
                foreach (var node in rest.Length == 0 ? Cluster.Nodes : [Node(rest)])
                {
                    Status(node);
                }

                return true;
            case "log":
                var storage = Node(rest).Storage;
                Print($"{rest[0]} {storage.HardState}{(storage.Snapshot == null ? "" : $", {storage.Snapshot}")}");
                var entries = string.Join(", ", storage.Entries.Select(Show.Entry));
                Print($"  [{entries}]{(storage.IsWhole ? "" : " not whole")}");
                return true;
            case "progress":
                foreach (var p in Node(rest).Core.Status.Progress)
                {
                    Print($"{p.Id} {p.State} match {p.Match} next {p.Next} inflight {p.Inflight}");
                }

                return true;
            default: return false;
        }
    }

    private void Status(TestNode node)
    {
        var s = node.Core.Status;
        Print(node.IsDown ? $"{node.Id} is down"
            : $"{node.Id} {s.Role} {s.Term} leader {s.Leader} commit {s.Commit} applied {s.Applied} last {s.Last} "
            + $"{s.Configuration}{(s.IsWhole ? "" : " not whole")}");
    }

    private void Print(string text)
    {
        if (!_isQuiet)
        {
            _output.Add(text);
        }
    }

    private void Tell(ProposeResult result) => Print(
        result.Status == ProposeStatus.Accepted ? $"accepted as {result.Id}"
        : $"{result.Status}{(result.Reason == null ? "" : $": {result.Reason}")}");

    private void Tell(ProposeStatus status) => Print($"{status}");

    private TestNode Node(string[] rest) => Cluster[Scenario.Member(rest[0])];

    private static int Count(string[] rest, int at, int? otherwise = null) =>
        at < rest.Length ? int.Parse(rest[at], System.Globalization.CultureInfo.InvariantCulture)
        : otherwise ?? throw new FormatException("a number is missing");
}
