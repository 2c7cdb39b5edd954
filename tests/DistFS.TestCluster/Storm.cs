using System.Diagnostics;
using DistFS.Linearizability;
using DistFS.Primitives;
using DistFS.Protocol;
using Operation = DistFS.Protocol.Operation;

namespace DistFS.TestCluster;

/// <summary>
/// Clients that make, link, rename, remove, look up and list names, few enough to collide, while the leader is killed
/// (kill -9) and started again, over and over; then the proof that every answer was right.
/// </summary>
/// <remarks>
/// Two ledgers. What all do with the same names goes to the checker of histories, in a few <em>worlds</em> of two
/// directories each, whose histories are checked apart. What a client does in a directory of its own has one right
/// answer, and in the end its names are exactly those that were acknowledged.
/// </remarks>
public sealed class Storm
{
    private const int Worlds = 6;
    private const int NamesPerDirectory = 4;
    private const int OwnNamesMax = 200;
    private const ulong QuotaInodes = 1_000_000;
    private static readonly string[] Directories = ["left", "right"];

    // Long enough to collide, short enough that a minute can be checked in seconds.
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(4);

    private readonly MetaserverProcesses _processes;
    private readonly StormOptions _options;
    private readonly ConcurrentHistoryRecorder<Keyed<int, NamespaceInput>, NamespaceOutput> _recorder =
        new(Stopwatch.GetTimestamp);

    private readonly Dictionary<string, ulong> _directories = [];
    private readonly List<string> _findings = [];
    private readonly Lock _gate = new();

    private Storm(MetaserverProcesses processes, StormOptions options) => (_processes, _options) = (processes, options);

    /// <summary>Runs it over a cluster that runs; in the end the members are stopped.</summary>
    public static async Task<StormResult> RunAsync(MetaserverProcesses processes, StormOptions options)
    {
        ArgumentNullException.ThrowIfNull(processes);
        ArgumentNullException.ThrowIfNull(options);
        var storm = new Storm(processes, options);
        var clients = await storm.PrepareAsync().ConfigureAwait(false);
        using var end = new CancellationTokenSource(options.Duration);
        var work = Enumerable.Range(0, clients.Length)
            .Select(i => Task.Run(() => storm.WorkAsync(i, clients[i], end.Token), CancellationToken.None))
            .ToList();
        var kills = await storm.KillLeadersAsync(end.Token).ConfigureAwait(false);
        var owns = await Task.WhenAll(work).ConfigureAwait(false);
        await storm.ReadAllAsync(clients[0]).ConfigureAwait(false);
        for (var i = 0; i < clients.Length; i++)
        {
            await storm.CompareOwnAsync(i, clients[i], owns[i]).ConfigureAwait(false);
        }

        await storm.StopAsync().ConfigureAwait(false);
        var history = storm._recorder.ToHistory();
        var verdict = LinearizabilityChecker.Check(
            new KeyedModel<int, NamespaceState, NamespaceInput, NamespaceOutput>(new NamespaceModel()),
            history,
            new CheckerOptions { StepsMax = options.StepsMax });
        if (!verdict.IsLinearizable)
        {
            storm._findings.Add($"{verdict.Verdict}: {verdict.Explanation}");
        }

        return new StormResult(
            history.Count, owns.Sum(own => (long)own.Count), kills, clients.Sum(c => c.Repeated), storm._findings);
    }

    private static NamespaceOutput Output(int status) => (FsStatus)status switch
    {
        FsStatus.Ok => NamespaceOutput.Ok,
        FsStatus.NotFound => NamespaceOutput.NotFound,
        FsStatus.AlreadyExists => NamespaceOutput.AlreadyExists,
        _ => new NamespaceOutput((FsStatus)status, 0, 0, []),
    };

    private static NamespaceOutput File(int status, Attributes? attributes) =>
        status == 0 ? NamespaceOutput.File((long)attributes!.Inode, (int)attributes.Links) : Output(status);

    private async Task<MetadataClient[]> PrepareAsync()
    {
        var clients = new MetadataClient[_options.Clients];
        for (var i = 0; i < clients.Length; i++)
        {
            clients[i] = new MetadataClient(_processes.Callers);
            await clients[i].OpenSessionAsync().ConfigureAwait(false);
        }

        // Under a quota, which then has to add up too.
        var root = await MakeDirectoryAsync(clients[0], Names.RootDirectory, "storm").ConfigureAwait(false);
        var quota = new SetQuotaRequest { Inode = root, InodesMax = QuotaInodes };
        Expect(0, (await clients[0].MutateAsync(new Operation { Caller = Names.Root, SetQuota = quota })
            .ConfigureAwait(false)).Status, "set a quota");
        for (var world = 0; world < Worlds; world++)
        {
            foreach (var directory in Directories)
            {
                var name = $"{world}{directory}";
                _directories[name] = await MakeDirectoryAsync(clients[0], root, name).ConfigureAwait(false);
            }
        }

        for (var i = 0; i < clients.Length; i++)
        {
            _directories[$"own{i}"] = await MakeDirectoryAsync(clients[0], root, $"own{i}").ConfigureAwait(false);
        }

        return clients;
    }

    private async Task<ulong> MakeDirectoryAsync(MetadataClient client, ulong parent, string name)
    {
        var reply = await client.MutateAsync(Names.MakeDirectory(parent, name)).ConfigureAwait(false);
        Expect(0, reply.Status, $"make the directory {name}");
        return reply.Attributes.Inode;
    }

    /// <summary>A client until the end; returns the names of its own directory as they were acknowledged.</summary>
    private async Task<HashSet<string>> WorkAsync(int id, MetadataClient client, CancellationToken end)
    {
        var random = new Random(_options.Seed + id);
        var own = new HashSet<string>(StringComparer.Ordinal);
        using var timer = new PeriodicTimer(Pause);
        while (!end.IsCancellationRequested)
        {
            var task = random.Next(8) == 0
                ? ChangeOwnAsync(id, client, own, random) : ChangeSharedAsync(id, client, random);
            await task.ConfigureAwait(false);
            await timer.WaitForNextTickAsync(CancellationToken.None).ConfigureAwait(false);
        }

        return own;
    }

    private async Task ChangeOwnAsync(int id, MetadataClient client, HashSet<string> own, Random random)
    {
        var name = $"n{random.Next(OwnNamesMax)}";
        var directory = _directories[$"own{id}"];
        if (own.Contains(name))
        {
            var status = (await client.MutateAsync(Names.Unlink(directory, name)).ConfigureAwait(false)).Status;
            Expect(0, status, $"client {id}: unlink {name} of its own");
            own.Remove(name);
        }
        else
        {
            var status = (await client.MutateAsync(Names.Create(directory, name)).ConfigureAwait(false)).Status;
            Expect(0, status, $"client {id}: create {name} of its own");
            own.Add(name);
        }
    }

    private Task ChangeSharedAsync(int id, MetadataClient client, Random random)
    {
        var world = random.Next(Worlds);
        var (from, to) = (Any(), Any());
        return random.Next(10) switch
        {
            < 3 => CreateAsync(id, client, world, from),
            3 => LinkAsync(id, client, world, from, to),
            4 => UnlinkAsync(id, client, world, from),
            < 7 => RenameAsync(id, client, world, from, to),
            < 9 => LookupAsync(id, client, world, from),
            _ => ListAsync(id, client, world, from.Directory),
        };

        Place Any() =>
            new($"{world}{Directories[random.Next(2)]}", $"{(char)('a' + random.Next(NamesPerDirectory))}");
    }

    private async Task CreateAsync(int id, MetadataClient client, int world, Place at)
    {
        var call = Invoke(id, world, NamespaceInput.CreateExclusive(at.Path));
        var reply = await client.MutateAsync(Names.Create(_directories[at.Directory], at.Name)).ConfigureAwait(false);
        call.Return(File(reply.Status, reply.Attributes));
    }

    private async Task LinkAsync(
        int id, MetadataClient client, int world, Place from, Place to)
    {
        // By its inode, as the kernel does it: what was found may have lost its name, or all of them, meanwhile.
        if (await LookupAsync(id, client, world, from).ConfigureAwait(false) is not { } inode)
        {
            return;
        }

        var call = Invoke(id, world, NamespaceInput.LinkFile((long)inode, to.Path));
        var reply = await client.MutateAsync(Names.Link(inode, _directories[to.Directory], to.Name))
            .ConfigureAwait(false);
        call.Return(Output(reply.Status));
    }

    private async Task UnlinkAsync(int id, MetadataClient client, int world, Place at)
    {
        var call = Invoke(id, world, NamespaceInput.Unlink(at.Path));
        var reply = await client.MutateAsync(Names.Unlink(_directories[at.Directory], at.Name)).ConfigureAwait(false);
        call.Return(Output(reply.Status));
    }

    private async Task RenameAsync(
        int id, MetadataClient client, int world, Place from, Place to)
    {
        var call = Invoke(
            id, world, NamespaceInput.Rename(from.Path, to.Path));
        var reply = await client.MutateAsync(Names.Rename(
            _directories[from.Directory], from.Name, _directories[to.Directory], to.Name)).ConfigureAwait(false);
        call.Return(Output(reply.Status));
    }

    private async Task<ulong?> LookupAsync(int id, MetadataClient client, int world, Place at)
    {
        var call = Invoke(id, world, NamespaceInput.Lookup(at.Path));
        var reply = await client.ReadAsync(Names.Lookup(_directories[at.Directory], at.Name)).ConfigureAwait(false);
        call.Return(File(reply.Status, reply.Attributes));
        return reply.Status == 0 ? reply.Attributes.Inode : null;
    }

    private async Task ListAsync(int id, MetadataClient client, int world, string directory)
    {
        var call = Invoke(id, world, NamespaceInput.List($"/{directory}"));
        call.Return(NamespaceOutput.Listed([.. await ListAsync(client, directory).ConfigureAwait(false)]));
    }

    /// <summary>All names of a directory, as of one moment: they fit a page.</summary>
    private async Task<List<string>> ListAsync(MetadataClient client, string directory)
    {
        using var page = await client.ReadDirectoryAsync(Names.List(_directories[directory])).ConfigureAwait(false);
        Expect(0, page.Message.Status, $"list {directory}");
        var names = new List<string>();
        Names.ReadPage(page.Payload.Memory.Span, page.Message.Entries, (name, _) => names.Add(name));
        if (!page.Message.IsEnd)
        {
            Find($"{directory} does not fit a page");
        }

        names.RemoveAll(static name => name is "." or "..");
        return names;
    }

    private OpenOperation<Keyed<int, NamespaceInput>, NamespaceOutput> Invoke(
        int id, int world, NamespaceInput input) => _recorder.Invoke(id, new Keyed<int, NamespaceInput>(world, input));

    /// <summary>In the end every name is looked at: what was lost late would be seen by nobody.</summary>
    private async Task ReadAllAsync(MetadataClient client)
    {
        for (var world = 0; world < Worlds; world++)
        {
            foreach (var directory in Directories.Select(name => $"{world}{name}"))
            {
                await ListAsync(0, client, world, directory).ConfigureAwait(false);
                for (var name = 'a'; name < 'a' + NamesPerDirectory; name++)
                {
                    await LookupAsync(0, client, world, new Place(directory, $"{name}")).ConfigureAwait(false);
                }
            }
        }
    }

    private async Task CompareOwnAsync(int id, MetadataClient client, HashSet<string> own)
    {
        var listed = await ListAsync(client, $"own{id}").ConfigureAwait(false);
        if (listed.Count != own.Count || !own.IsSupersetOf(listed))
        {
            Find($"client {id}: acknowledged {string.Join(' ', own.Order())}; there is "
                + string.Join(' ', listed.Order()));
        }
    }

    private async Task<int> KillLeadersAsync(CancellationToken end)
    {
        using var timer = new PeriodicTimer(_options.KillInterval);
        var kills = 0;
        try
        {
            while (await timer.WaitForNextTickAsync(end).ConfigureAwait(false))
            {
                var leader = await _processes.LeaderAsync().ConfigureAwait(false);
                await _processes.KillAsync(leader).ConfigureAwait(false);
                await _processes.StartAsync(leader).ConfigureAwait(false);
                kills++;
            }
        }
        catch (OperationCanceledException) when (end.IsCancellationRequested)
        {
            // It is over.
        }

        return kills;
    }

    /// <summary>Stops the members cleanly, and lets nothing pass that does not add up in the state of any.</summary>
    private async Task StopAsync()
    {
        if (_processes.Fault() is { } fault)
        {
            Find(fault);
            return;
        }

        for (var member = 0; member < _processes.Count; member++)
        {
            await _processes.StopAsync(member).ConfigureAwait(false);
        }

        for (var member = 0; member < _processes.Count; member++)
        {
            foreach (var finding in _processes.Check(member))
            {
                Find($"metaserver {member + 1}: {finding}");
            }
        }
    }

    private void Expect(int expected, int status, string what)
    {
        if (status != expected)
        {
            Find($"{what}: {(FsStatus)status} and not {(FsStatus)expected}");
        }
    }

    private void Find(string finding)
    {
        lock (_gate)
        {
            _findings.Add(finding);
        }
    }

    private readonly record struct Place(string Directory, string Name)
    {
        public string Path => $"/{Directory}/{Name}";
    }
}

/// <summary>How it blows.</summary>
public sealed record StormOptions
{
    /// <summary>Until the clients stop.</summary>
    public required TimeSpan Duration { get; init; }

    /// <summary>Between two kills of a leader.</summary>
    public TimeSpan KillInterval { get; init; } = TimeSpan.FromSeconds(3);

    /// <summary>How many do it at once.</summary>
    public int Clients { get; init; } = 16;

    /// <summary>Of what the clients choose; their timing is the machine's.</summary>
    public int Seed { get; init; }

    /// <summary>For the check of the history.</summary>
    public long StepsMax { get; init; } = 50_000_000;
}

/// <summary>What came of it.</summary>
/// <param name="Operations">In the histories that were checked.</param>
/// <param name="OwnNames">Names that the ledgers had in the end.</param>
/// <param name="Kills">Of leaders.</param>
/// <param name="Repeated">Requests that were sent more than once.</param>
/// <param name="Findings">What is wrong; nothing if all is right.</param>
public sealed record StormResult(
    int Operations, long OwnNames, int Kills, long Repeated, IReadOnlyList<string> Findings);
