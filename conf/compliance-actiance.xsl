<?xml version="1.0" encoding="UTF-8"?>
<!-- Turns the files of an adapter whose form is "xml" into the FileDump form that archives take in.
     It is what the form "actiance" applies, and an example for a stylesheet of one's own. -->
<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform">
  <xsl:output method="xml" encoding="UTF-8" indent="yes"/>

  <xsl:template match="/Conversations">
    <FileDump>
      <xsl:apply-templates select="Conversation"/>
    </FileDump>
  </xsl:template>

  <xsl:template match="Conversation">
    <Conversation Perspective="{Channel/@name}_group_channel">
      <RoomID><xsl:value-of select="Channel/@uri"/></RoomID>
      <StartTimeUTC><xsl:value-of select="StartTimeUTC/@string"/></StartTimeUTC>
      <xsl:apply-templates select="FirstMessage | Messages/Message"/>
      <EndTimeUTC><xsl:value-of select="EndTimeUTC/@string"/></EndTimeUTC>
    </Conversation>
  </xsl:template>

  <xsl:template match="*[@type='JOIN']">
    <ParticipantEntered><xsl:call-template name="participant"/></ParticipantEntered>
  </xsl:template>

  <xsl:template match="*[@type='PART']">
    <ParticipantLeft><xsl:call-template name="participant"/></ParticipantLeft>
  </xsl:template>

  <xsl:template match="*[@type='FILEUPLOAD' or @type='FILEDOWNLOAD']">
    <FileTransferStarted><xsl:call-template name="file"/></FileTransferStarted>
    <FileTransferEnded>
      <xsl:call-template name="file"/>
      <Status>Completed</Status>
    </FileTransferEnded>
  </xsl:template>

  <xsl:template match="*[@type='CHAT' or @type='REPLACE']">
    <Message>
      <xsl:call-template name="who"/>
      <Content><xsl:value-of select="@content"/></Content>
    </Message>
  </xsl:template>

  <!-- The form has no place for what was read or deleted. -->
  <xsl:template match="*[@type='BACKCHAT' or @type='REMOVE' or @type='PURGE' or @type='FILEREMOVE']"/>

  <xsl:template name="who">
    <LoginName><xsl:value-of select="Sender/@uri"/></LoginName>
    <DateTimeUTC><xsl:value-of select="DateTimeUTC/@string"/></DateTimeUTC>
  </xsl:template>

  <xsl:template name="participant">
    <xsl:call-template name="who"/>
    <InternalFlag><xsl:value-of select="Sender/@internal"/></InternalFlag>
    <ConversationID><xsl:value-of select="ancestor::Conversation/Channel/@uri"/></ConversationID>
    <CorporateEmailID><xsl:value-of select="Sender/@email"/></CorporateEmailID>
  </xsl:template>

  <xsl:template name="file">
    <xsl:call-template name="who"/>
    <FileName><xsl:value-of select="@content"/></FileName>
  </xsl:template>
</xsl:stylesheet>
