using DistFS.Client.Cluster;
using DistFS.Primitives;
using DistFS.Protocol;
using DistFS.Rpc.Cluster;

namespace DistFS.Client.Leases;

/// <summary>What was asked for a lease.</summary>
/// <param name="Mode">What may be done now; <see cref="LeaseMode.None"/>: ask for everything.</param>
/// <param name="Status">0, ENOENT, or EAGAIN: others have it.</param>
/// <param name="Attributes">As they are under the lease; null without one.</param>
internal readonly record struct LeaseOutcome(LeaseMode Mode, FsStatus Status, Attributes? Attributes);

/// <summary>
/// The leases of a session: asks for them, answers recalls, keeps the session alive, and reclaims from a new leader.
/// The thin shell of <see cref="LeaseBook"/>. Any thread.
/// </summary>
internal sealed partial class LeaseClient : IAsyncDisposable
{
    /// <summary>Of one request each (docs/design/leases.md).</summary>
    private const int AskedMax = 1_024;
    private const int ToldMax = 4_096;

    private static readonly TimeSpan TellLimit = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(50);

    /// <summary>Who is done does not wait for long: leases that were not given up end with the session.</summary>
    private static readonly TimeSpan EndLimit = TimeSpan.FromSeconds(2);

    private readonly ClientSession _session;
    private readonly MetadataChannel _channel;
    private readonly DistFsClientOptions _options;
    private readonly ILeaseHolder _holder;
    private readonly Lock _gate = new();
    private readonly LeaseBook _book;

    // Under the gate: what is being given up; who asks for it again waits for that.
    private readonly Dictionary<InodeId, Task> _givingUp = [];

    // Under the gate: of that, what the holder has given up, so that only the leader has to hear of it.
    private readonly Dictionary<InodeId, Task> _telling = [];
    private readonly CancellationTokenSource _stop = new();
    private readonly TaskCompletionSource _first = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _allLost = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Task _listening;
    private int _isAllLost;

    public LeaseClient(
        ClientSession session, MetadataChannel channel, DistFsClientOptions options, ILeaseHolder holder)
    {
        (_session, _channel, _options, _holder) = (session, channel, options, holder);
        _book = new LeaseBook((long)options.SessionLease.TotalMilliseconds);
        _listening = Task.Run(ListenAsync);
    }

    private long NowMs => LeaderChannel.NowMs(_options.Clock);

    /// <summary>What may be done now without asking.</summary>
    public LeaseMode ModeOf(InodeId inode)
    {
        if (_session.IsEnded)
        {
            return LeaseMode.None;
        }

        lock (_gate)
        {
            return _book.ModeOf(inode, NowMs);
        }
    }

    /// <summary>For how long what is held may be trusted if nothing more is heard.</summary>
    public TimeSpan Believed
    {
        get
        {
            if (_session.IsEnded)
            {
                return TimeSpan.Zero;
            }

            lock (_gate)
            {
                return TimeSpan.FromMilliseconds(_book.BelievedMs(NowMs));
            }
        }
    }

    /// <summary>Asks for leases.</summary>
    /// <param name="wanted">At most 1,024.</param>
    /// <param name="mode">To read, or to write.</param>
    /// <param name="wait">For how long others are waited for; zero: nobody is disturbed.</param>
    /// <param name="pin">Holds what is granted. Of one inode; null: nothing does.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <returns>In the order of what is wanted. Whoever answers nothing has granted nothing: EAGAIN.</returns>
    /// <exception cref="OperationCanceledException">Given up.</exception>
    public async Task<LeaseOutcome[]> AcquireAsync(
        IReadOnlyList<InodeId> wanted,
        LeaseMode mode,
        TimeSpan wait,
        LeasePin? pin,
        CancellationToken cancellation)
    {
        Check.That(wanted.Count is > 0 and <= AskedMax && (pin == null || wanted.Count == 1));

        var outcomes = new LeaseOutcome[wanted.Count];
        Array.Fill(outcomes, new LeaseOutcome(LeaseMode.None, FsStatus.TryAgain, null));
        try
        {
            // Before the first keep-alive a lease would be worth nothing. If nobody leads, there is none.
            await _first.Task.WaitAsync(TellLimit, _options.Clock, cancellation).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            return outcomes;
        }

        await ToldAsync(wanted, cancellation).ConfigureAwait(false);
        var request = new AcquireLeasesRequest { Client = _session.Id.Value, WaitMs = (uint)wait.TotalMilliseconds };
        var asked = new List<int>(wanted.Count);
        lock (_gate)
        {
            for (var i = 0; i < wanted.Count; i++)
            {
                // What is being given up is not asked for: the metaservers would wait for that first, and whoever asks
                // here may be what it waits for.
                if (!_book.IsOver && !_givingUp.ContainsKey(wanted[i]))
                {
                    request.Wanted.Add(new AcquireLeasesRequest.Types.Wanted
                    {
                        Inode = wanted[i].Value,
                        Kind = (uint)mode,
                    });
                    _book.Ask(wanted[i]);
                    asked.Add(i);
                }
            }

            if (pin != null && asked.Count > 0)
            {
                Enter(pin);
            }
        }

        if (asked.Count == 0)
        {
            return outcomes;
        }

        AcquireLeasesReply? reply = null;
        try
        {
            reply = (await _channel.AcquireAsync(request, (wait * 2) + TellLimit, cancellation).ConfigureAwait(false))
                .Reply;
            Look(reply.Status);
        }
        catch (DistFsException) when (!cancellation.IsCancellationRequested)
        {
            // A lease is optional: whoever needs an answer asks for that, and has the patience for it.
        }
        finally
        {
            Take(wanted, asked, reply?.Granted.Count == asked.Count ? reply : null, pin, outcomes);
        }

        return outcomes;
    }

    /// <summary>
    /// Leases are given up, since nobody here needs them. What was cached is forgotten already. What somebody asks for
    /// at this moment stays: he may be answered with the lease that there is.
    /// </summary>
    public async Task ReleaseAsync(IEnumerable<InodeId> inodes)
    {
        List<LeaseAnswer> answers = [];
        var ended = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (_gate)
        {
            foreach (var inode in inodes)
            {
                if (!_givingUp.ContainsKey(inode)
                    && !_book.IsAsked(inode)
                    && _book.GaveUp(inode, LeaseMode.None) is { } answer)
                {
                    answers.Add(answer);
                    _givingUp[inode] = ended.Task;
                }
            }
        }

        await TellAsync(answers, ended).ConfigureAwait(false);
    }

    /// <summary>Ends when the inode's lease is not being given up (any more), and the metaservers know.</summary>
    public Task GivenUp(InodeId inode)
    {
        lock (_gate)
        {
            return _givingUp.GetValueOrDefault(inode, Task.CompletedTask);
        }
    }

    /// <summary>
    /// The holder knows that all is over when this ends; if the session lives, so do the metaservers, in time: others
    /// need not wait for it. What is being given up is not waited for: it may ask for the next session, which begins
    /// only when this has ended.
    /// </summary>
    public async ValueTask DisposeAsync()
    {
        List<LeaseAnswer> held;
        lock (_gate)
        {
            held = _book.End();
        }

        TellAllLost();
        await _allLost.Task.ConfigureAwait(false);
        var telling = TellAsync(held);
        try
        {
            await telling.WaitAsync(EndLimit, _options.Clock).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            // They end with the session.
        }

        await _stop.CancelAsync().ConfigureAwait(false);
        await telling.ConfigureAwait(false);
        await _listening.ConfigureAwait(false);
    }

    /// <summary>Without a reply nothing was granted, as far as anybody here will ever know.</summary>
    private void Take(
        IReadOnlyList<InodeId> wanted,
        List<int> asked,
        AcquireLeasesReply? reply,
        LeasePin? pin,
        LeaseOutcome[] outcomes)
    {
        lock (_gate)
        {
            for (var i = 0; i < asked.Count; i++)
            {
                var granted = reply?.Granted[i];
                var mode = _book.Answer(
                    wanted[asked[i]],
                    reply?.Status.Epoch ?? 0,
                    granted is { Status: 0 } ? (LeaseMode)granted.Kind : LeaseMode.None,
                    granted?.Grant ?? 0);
                if (pin != null && mode != LeaseMode.None)
                {
                    pin.IsGranted = true;
                }

                if (granted != null)
                {
                    outcomes[asked[i]] = new LeaseOutcome(
                        mode, (FsStatus)granted.Status, mode == LeaseMode.None ? null : granted.Attributes);
                }
            }
        }
    }

    /// <summary>What the holder does is its own: a defect there must not hold up others.</summary>
    private void Guard(string what, Action tell)
    {
        try
        {
            tell();
        }
        catch (Exception error)
        {
            Report(what, error);
        }
    }

    private void Report(string what, Exception error) => _options.Failed?.Invoke(new DistFsException(
        ErrorCatalog.Internal, $"{what}: {error.GetType().Name}: {error.Message}", error));
}
