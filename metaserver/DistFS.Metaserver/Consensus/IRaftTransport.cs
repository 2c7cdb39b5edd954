using DistFS.Primitives;
using DistFS.Raft;

namespace DistFS.Metaserver.Consensus;

/// <summary>Brings messages to other members, or loses them.</summary>
public interface IRaftTransport
{
    /// <summary>
    /// Takes a message in; it leaves with <see cref="Flush"/> at the latest. Never blocks; any thread. What does not
    /// fit is lost, and <see cref="IRaftInbox.Unreachable"/> tells.
    /// </summary>
    void Send(RaftMessage message);

    /// <summary>Lets what was taken in leave; any thread.</summary>
    void Flush();

    /// <summary>Learns where the members are.</summary>
    void Follow(RaftConfiguration configuration);
}

/// <summary>Where a transport puts what it received. Any thread.</summary>
public interface IRaftInbox
{
    /// <summary>Takes messages in; false if there is no room: they are lost.</summary>
    /// <param name="messages">Theirs from now on.</param>
    /// <param name="bytes">What they take.</param>
    bool Receive(IReadOnlyList<RaftMessage> messages, int bytes);

    /// <summary>Messages to that member were lost.</summary>
    void Unreachable(MemberId member);

    /// <summary>That member's connection ended, and nobody listens at its address: its process is gone.</summary>
    void Gone(MemberId member);
}
