using DistFS.Protocol;

namespace DistFS.Metaserver.Services;

/// <summary>
/// What the leader does around a client's operations that the state machine cannot: waits for others, chooses, tells
/// others. Stages are entered in their order and left in the opposite one.
/// </summary>
internal interface IMutationStage
{
    /// <summary>
    /// Before the operations are proposed. May wait, within the mutation's deadline, and add to its command.
    /// </summary>
    /// <returns>
    /// Null to go on; else the answer, and nothing is done: this stage is not left, the ones before are.
    /// </returns>
    ValueTask<MetadataReply?> EnterAsync(Mutation mutation);

    /// <summary>
    /// After the state machine replied, and before the client is answered; or after it is clear that it did not
    /// (<paramref name="reply"/> is null: not proposed, or nobody knows what became of it).
    /// </summary>
    ValueTask LeaveAsync(Mutation mutation, MetadataReply? reply);
}
