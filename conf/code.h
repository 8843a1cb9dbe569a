#ifndef PCHAT_CONF_CODE_H
#define PCHAT_CONF_CODE_H

/*
 * Every refusal: its number, its stable name and a sentence for a person. Numbers and names never
 * change. 100 to 124 are the original's 25 errors (its number plus 100); 200 and up are ours.
 * Number 0 is success. Every code has a counter of its own (see shm/counter.h).
 */
#define CODE_LIST(X)                                                                               \
	X(DATABASE_CONNECTION, 100, "DatabaseConnection", "the database cannot be reached")        \
	X(DATA_COLLISION, 101, "DataCollision", "somebody else changed this at the same time")     \
	X(DUPLICATE_ROOM_NAME, 102, "DuplicateRoomName", "the name is in use")                     \
	X(INVALID_ARGUMENT, 103, "InvalidArgument", "a value is missing, too long or malformed")   \
	X(CANNOT_GET_PARTICIPANT_LIST, 104, "CannotGetParticipantList",                            \
	  "the list of participants cannot be had")                                                \
	X(LIMIT_EXCEEDED, 105, "LimitExceeded", "a limit of the server is reached")                \
	X(MSG_NOT_SUPPORTED, 106, "MsgNotSupported", "this kind of message is not supported")      \
	X(NODE_DISABLED, 107, "NodeDisabled", "the room is disabled")                              \
	X(NODE_HIERARCHY_VIOLATION, 108, "NodeHierarchyViolation",                                 \
	  "the room or category cannot stand there")                                               \
	X(ERROR_PERMISSION, 109, "ErrorPermission", "you may not do this")                         \
	X(NO_SUCH_NODE, 110, "NoSuchNode", "that does not exist")                    \
	X(NO_SUCH_PRINCIPAL, 111, "NoSuchPrincipal", "there is no such user or group")             \
	X(UNABLE_TO_CREATE_ROOM, 112, "UnableToCreateRoom", "the room cannot be created")          \
	X(UNKNOWN_SERVER_ERROR, 113, "UnknownServerError", "the server failed")                    \
	X(USER_NOT_JOINED, 114, "UserNotJoined", "you are not in this room")                       \
	X(FILE_DOWNLOAD_FAILED, 115, "FileDownloadFailed", "the file cannot be sent")              \
	X(FILE_UPLOAD_FAILED, 116, "FileUploadFailed", "the file cannot be taken")                 \
	X(INVALID_FLOW_OF_OPERATIONS, 117, "InvalidFlowOfOperations",                              \
	  "this cannot be done now")                                                               \
	X(INVALID_TOKEN, 118, "InvalidToken", "the token is invalid or has expired")               \
	X(SERVER_ERROR, 119, "ServerError", "the server failed")                                   \
	X(COMMAND_FAILED, 120, "CommandFailed", "the command failed")                              \
	X(PRINCIPALS_ALREADY_DEFINED, 121, "PrincipalsAlreadyDefined",                             \
	  "the user or group is already there")                                                    \
	X(PRINCIPALS_NOT_IN_SCOPE, 122, "PrincipalsNotInScope",                                    \
	  "the user or group is outside the category's scope")                                     \
	X(PRESENTER_NOT_IN_MEM_LIST, 123, "PresenterNotInMemList",                                 \
	  "a presenter must be a member")                                                          \
	X(DUPLICATE_ADDIN_NAME, 124, "DuplicateAddinName", "the add-in's name is in use")          \
	X(BUSY, 200, "busy", "the server is busy, try again")                                      \
	X(UNAVAILABLE, 201, "unavailable", "this is not available now, try again later")           \
	X(TIMEOUT, 202, "timeout", "the answer took too long")                                     \
	X(NOT_SIGNED_IN, 203, "NotSignedIn", "sign in first")                                      \
	X(AUTHENTICATION_FAILED, 204, "AuthenticationFailed", "the sign-in failed")                \
	X(TOO_LARGE, 205, "TooLarge", "the message is too large")                                  \
	X(PARSE_ERROR, -32700, "ParseError", "this is not JSON")                                   \
	X(INVALID_REQUEST, -32600, "InvalidRequest", "this is not a JSON-RPC 2.0 request")         \
	X(METHOD_NOT_FOUND, -32601, "MethodNotFound", "there is no such method")

enum code {
	CODE_OK = 0,
#define X(id, number, name, text) CODE_##id = (number),
	CODE_LIST(X)
#undef X
};

/* The stable name ("busy"); "Unknown" for a number that is not in the list. */
const char *code_name(int code);

/* The sentence for a person. */
const char *code_text(int code);

#endif
